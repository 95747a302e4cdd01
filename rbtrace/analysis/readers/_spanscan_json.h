/* JSON, whatever it says: what is read here is valid. */

#ifndef RBTRACE_SPANSCAN_JSON_H
#define RBTRACE_SPANSCAN_JSON_H

#include "_spanscan_rows.h"

#define DEEPEST 64 /* levels of skipped values */

typedef struct {
    Text resource; /* `at` is NULL where there is none */
    Py_ssize_t end; /* its spans are those before this one and after the resource before */
} Resource;

typedef struct {
    const unsigned char *at, *end;
    Span *spans;
    Py_ssize_t count, room;
    Resource *resources;
    Py_ssize_t resource_count, resource_room;
    Py_ssize_t recent[SLOTS]; /* 1 + the number of a span, by its name; 0: none */
} Line;

typedef int (*Member)(Line *line, Text key, void *into);
typedef int (*Item)(Line *line);

static inline void
skip_space(Line *line)
{
    while (*line->at == ' ' || *line->at == '\n' || *line->at == '\r' || *line->at == '\t') {
        line->at++;
    }
}

static inline int
take(Line *line, char sign)
{
    skip_space(line);
    if (*line->at != (unsigned char)sign) {
        return 0;
    }
    line->at++;
    return 1;
}

/* One more than the number that a hexadecimal digit stands for; 0 for what is none. */
static const unsigned char hexadecimal[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static inline int
digit_of_hex(char sign)
{
    return hexadecimal[(unsigned char)sign] - 1;
}

/* Length of an escape; 0 if it is none, or half of a surrogate pair: few write those. */
static int
escape(const unsigned char *at)
{
    if (at[1] == 'u') {
        for (int place = 2; place < 6; place++) {
            if (!hexadecimal[at[place]]) {
                return 0;
            }
        }
        return (at[2] | 0x20) == 'd' && hexadecimal[at[3]] > 8 ? 0 : 6;
    }
    return at[1] != 0 && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
}

/* What a string has in it; NO_STRING if it is none. */
enum { NO_STRING = 0, STRING = 1, ESCAPES = 2, BEYOND_ASCII = 4 };

static int
string(Line *line, Text *text)
{
    if (*line->at != '"') {
        return NO_STRING;
    }
    const unsigned char *at = line->at + 1;
    int found = STRING;
    text->at = (const char *)at;
    for (;;) {
        while (*at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
            at++;
        }
        if (*at == '"') {
            break;
        }
        if (*at >= 0x80) {
            found |= BEYOND_ASCII;
            at++;
            continue;
        }
        int length = *at == '\\' ? escape(at) : 0;
        if (length == 0) {
            return NO_STRING;
        }
        found |= ESCAPES;
        at += length;
    }
    text->end = (const char *)at;
    line->at = at + 1;
    return found;
}

static int
digits(Line *line)
{
    const unsigned char *before = line->at;
    while (*line->at >= '0' && *line->at <= '9') {
        line->at++;
    }
    return line->at > before;
}

static int
number(Line *line)
{
    if (*line->at == '-') {
        line->at++;
    }
    if (*line->at == '0') {
        line->at++;
    } else if (!digits(line)) {
        return 0;
    }
    if (*line->at == '.') {
        line->at++;
        if (!digits(line)) {
            return 0;
        }
    }
    if ((*line->at | 0x20) == 'e') {
        line->at++;
        if (*line->at == '+' || *line->at == '-') {
            line->at++;
        }
        return digits(line);
    }
    return 1;
}

static int
word(Line *line, const char *wanted)
{
    while (*wanted != 0) {
        if (*line->at != (unsigned char)*wanted++) {
            return 0;
        }
        line->at++;
    }
    return 1;
}

/* Skip a value, which is valid JSON if the answer is 1. */
static int
skip(Line *line, int level)
{
    Text ignored;
    skip_space(line);
    switch (*line->at) {
    case '"':
        return string(line, &ignored) != NO_STRING;
    case 't':
        return word(line, "true");
    case 'f':
        return word(line, "false");
    case 'n':
        return word(line, "null");
    case '{':
    case '[':
        break;
    default:
        return number(line);
    }
    char close = *line->at == '{' ? '}' : ']';
    line->at++;
    if (level == DEEPEST) {
        return 0;
    }
    if (take(line, close)) {
        return 1;
    }
    do {
        if (close == '}') {
            skip_space(line);
            if (!string(line, &ignored) || !take(line, ':')) {
                return 0;
            }
        }
        if (!skip(line, level + 1)) {
            return 0;
        }
    } while (take(line, ','));
    return take(line, close);
}

/* Skip a value and note where it stands. */
static int
raw(Line *line, Text *text)
{
    text->at = (const char *)line->at;
    if (!skip(line, 0)) {
        return 0;
    }
    text->end = (const char *)line->at;
    return 1;
}

/* An object, whose members `member` reads. */
static int
object(Line *line, Member member, void *into)
{
    Text key;
    if (!take(line, '{')) {
        return 0;
    }
    if (take(line, '}')) {
        return 1;
    }
    do {
        skip_space(line);
        if (string(line, &key) != STRING || !take(line, ':')) {
            return 0;
        }
        skip_space(line);
        if (!member(line, key, into)) {
            return 0;
        }
    } while (take(line, ','));
    return take(line, '}');
}

static int
list(Line *line, Item item)
{
    if (!take(line, '[')) {
        return 0;
    }
    if (take(line, ']')) {
        return 1;
    }
    do {
        skip_space(line);
        if (!item(line)) {
            return 0;
        }
    } while (take(line, ','));
    return take(line, ']');
}

#endif
