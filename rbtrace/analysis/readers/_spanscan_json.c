/* Reads JSON, whatever its meaning: what is accepted is valid. */

#include "_spanscan.h"

#define DEEPEST 64 /* nested values that are skipped */

static inline int
skip_character(Line *line, char character)
{
    skip_space(line);
    if (*line->at != (unsigned char)character) {
        return 0;
    }
    line->at++;
    return 1;
}

const unsigned char hex_digits[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Length of an escape; 0 if it is none, or half of a surrogate pair, which few write. */
static int
escape_length(const unsigned char *at)
{
    if (at[1] == 'u') {
        for (int index = 2; index < 6; index++) {
            if (!hex_digits[at[index]]) {
                return 0;
            }
        }
        return (at[2] | 0x20) == 'd' && hex_digits[at[3]] > 8 ? 0 : 6;
    }
    return at[1] != 0 && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
}

int
read_string(Line *line, Text *text)
{
    if (*line->at != '"') {
        return NO_STRING;
    }
    const unsigned char *at = line->at + 1;
    int contents = STRING;
    text->at = (const char *)at;
    for (;;) {
        while (*at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
            at++;
        }
        if (*at == '"') {
            break;
        }
        if (*at >= 0x80) {
            contents |= BEYOND_ASCII;
            at++;
            continue;
        }
        int length = *at == '\\' ? escape_length(at) : 0;
        if (length == 0) {
            return NO_STRING;
        }
        contents |= ESCAPES;
        at += length;
    }
    text->end = (const char *)at;
    line->at = at + 1;
    return contents;
}

static int
skip_digits(Line *line)
{
    const unsigned char *before = line->at;
    while (*line->at >= '0' && *line->at <= '9') {
        line->at++;
    }
    return line->at > before;
}

static int
skip_number(Line *line)
{
    if (*line->at == '-') {
        line->at++;
    }
    if (*line->at == '0') {
        line->at++;
    } else if (!skip_digits(line)) {
        return 0;
    }
    if (*line->at == '.') {
        line->at++;
        if (!skip_digits(line)) {
            return 0;
        }
    }
    if ((*line->at | 0x20) == 'e') {
        line->at++;
        if (*line->at == '+' || *line->at == '-') {
            line->at++;
        }
        return skip_digits(line);
    }
    return 1;
}

static int
skip_literal(Line *line, const char *literal)
{
    while (*literal != 0) {
        if (*line->at != (unsigned char)*literal++) {
            return 0;
        }
        line->at++;
    }
    return 1;
}

int
skip_value(Line *line, int depth)
{
    Text ignored;
    skip_space(line);
    switch (*line->at) {
    case '"':
        return read_string(line, &ignored) != NO_STRING;
    case 't':
        return skip_literal(line, "true");
    case 'f':
        return skip_literal(line, "false");
    case 'n':
        return skip_literal(line, "null");
    case '{':
    case '[':
        break;
    default:
        return skip_number(line);
    }
    char closing = *line->at == '{' ? '}' : ']';
    line->at++;
    if (depth == DEEPEST) {
        return 0;
    }
    if (skip_character(line, closing)) {
        return 1;
    }
    do {
        if (closing == '}') {
            skip_space(line);
            if (!read_string(line, &ignored) || !skip_character(line, ':')) {
                return 0;
            }
        }
        if (!skip_value(line, depth + 1)) {
            return 0;
        }
    } while (skip_character(line, ','));
    return skip_character(line, closing);
}

int
read_raw(Line *line, Text *text)
{
    text->at = (const char *)line->at;
    if (!skip_value(line, 0)) {
        return 0;
    }
    text->end = (const char *)line->at;
    return 1;
}

int
read_object(Line *line, MemberReader read_member, void *into)
{
    Text key;
    if (!skip_character(line, '{')) {
        return 0;
    }
    if (skip_character(line, '}')) {
        return 1;
    }
    do {
        skip_space(line);
        if (read_string(line, &key) != STRING || !skip_character(line, ':')) {
            return 0;
        }
        skip_space(line);
        if (!read_member(line, key, into)) {
            return 0;
        }
    } while (skip_character(line, ','));
    return skip_character(line, '}');
}

int
read_list(Line *line, ItemReader read_item)
{
    if (!skip_character(line, '[')) {
        return 0;
    }
    if (skip_character(line, ']')) {
        return 1;
    }
    do {
        skip_space(line);
        if (!read_item(line)) {
            return 0;
        }
    } while (skip_character(line, ','));
    return skip_character(line, ']');
}
