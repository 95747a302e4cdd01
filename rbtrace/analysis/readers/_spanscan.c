/* The ordinary line of OTLP JSON and the ordinary protobuf span as rows of numbers, without a
   Python object for each span.

   The Python readers stay the definition. What is not spelled as the usual encoders do (and every
   line that is broken) gets no rows, and they read it; so this may refuse whatever it likes, and
   must never accept what they would read differently.

   No state is kept between calls. A bytes object ends with a NUL that is not counted. No JSON has
   one, so whoever looks at one character after the other stops there at the latest. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define DEEPEST 64 /* levels of skipped values */
#define SLOTS 64
#define UNKNOWN -1 /* code of what has none yet */

/* As `rbtrace.analysis.readers.compiled.ROW` has it. */
typedef struct {
    uint64_t trace_high, trace_low, span, parent;
    int64_t start, end;
    int32_t name, facts;
} Row;

/* What a miss is about, as in `rbtrace.analysis.readers.compiled`. */
enum { NAME, FACTS, LINKS };

typedef struct {
    const char *at, *end;
} Text;

typedef struct {
    Row row;
    Text name, attributes, links; /* `at` is NULL where there are none */
    Py_ssize_t like; /* 1 + the number of an earlier span with the same attributes; 0: none known */
} Span;

/* ---- results ---- */

/* The code of a text, UNKNOWN if it is not among the known. 0; -1 with an exception set. */
static int
look_up(PyObject *known, Text text, int32_t *code)
{
    PyObject *key = PyBytes_FromStringAndSize(text.at, text.at ? text.end - text.at : 0);
    if (key == NULL) {
        return -1;
    }
    PyObject *found = PyDict_GetItemWithError(known, key);
    Py_DECREF(key);
    if (found == NULL) {
        *code = UNKNOWN;
        return PyErr_Occurred() ? -1 : 0;
    }
    *code = (int32_t)PyLong_AsLong(found);
    return PyErr_Occurred() ? -1 : 0;
}

static int
append(PyObject *list, PyObject *item)
{
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return failed ? -1 : 0;
}

static int
miss(PyObject *misses, Py_ssize_t row, int about, Text text)
{
    Py_ssize_t size = text.at ? text.end - text.at : 0;
    return append(misses, Py_BuildValue("(niy#)", row, about, text.at ? text.at : "", size));
}

static inline int
is_same(Text one, Text other)
{
    size_t size = (size_t)(one.end - one.at);
    return (size_t)(other.end - other.at) == size && memcmp(one.at, other.at, size) == 0;
}

/* Where to look for a span of this name. */
static inline size_t
slot_of(Text name)
{
    size_t size = name.at ? (size_t)(name.end - name.at) : 0;
    size_t sum = size ? size + 3 * (size_t)name.at[0] + 5 * (size_t)name.at[size - 1] : 0;
    return sum % SLOTS;
}

/* Give a row its codes; what is not known goes to the misses. `like` has the same attributes and
   its codes already, or is NULL. 0; -1 with an exception set. */
static int
settle(Span *span, const Span *like, Py_ssize_t number, PyObject *names, PyObject *facts,
       PyObject *misses)
{
    Row *row = &span->row;
    if (like != NULL && like->name.at && span->name.at && is_same(span->name, like->name)) {
        row->name = like->row.name;
    } else if (look_up(names, span->name, &row->name) < 0) {
        return -1;
    }
    if (like != NULL) {
        row->facts = like->row.facts;
    } else if (look_up(facts, span->attributes, &row->facts) < 0) {
        return -1;
    }
    if ((row->name == UNKNOWN && miss(misses, number, NAME, span->name) < 0)
        || (row->facts == UNKNOWN && miss(misses, number, FACTS, span->attributes) < 0)
        || (span->links.at && miss(misses, number, LINKS, span->links) < 0)) {
        return -1;
    }
    return 0;
}

/* ---- JSON ---- */

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

static inline int
is(Text key, const char *name)
{
    size_t size = strlen(name);
    return (size_t)(key.end - key.at) == size && memcmp(key.at, name, size) == 0;
}

/* Note that a member was met; 0 if it was before: which of them counts is for others to say. */
static inline int
first(unsigned *met, unsigned which)
{
    unsigned before = *met & which;
    *met |= which;
    return before == 0;
}

/* The number that sixteen hexadecimal digits are; 0 if they are not. */
static int
identity(const char *at, uint64_t *found)
{
    uint64_t number = 0;
    for (int place = 0; place < 16; place++) {
        int digit = digit_of_hex(at[place]);
        if (digit < 0) {
            return 0;
        }
        number = number << 4 | (uint64_t)digit;
    }
    *found = number;
    return 1;
}

static int
span_identity(Line *line, uint64_t *found)
{
    Text text;
    return string(line, &text) && text.end - text.at == 16 && identity(text.at, found);
}

static int
parent_identity(Line *line, uint64_t *found)
{
    if (line->at[0] == '"' && line->at[1] == '"') {
        line->at += 2;
        return 1;
    }
    return span_identity(line, found);
}

static int
trace_identity(Line *line, Row *row)
{
    Text text;
    return string(line, &text) && text.end - text.at == 32 && identity(text.at, &row->trace_high)
           && identity(text.at + 16, &row->trace_low);
}

/* Nanoseconds, as a number or its text. */
static int
moment(Line *line, int64_t *found)
{
    int quoted = *line->at == '"';
    line->at += quoted;
    const unsigned char *at = line->at;
    int64_t number = 0;
    while (*at >= '0' && *at <= '9') {
        int64_t digit = *at - '0';
        if (number > (INT64_MAX - digit) / 10) {
            return 0;
        }
        number = number * 10 + digit;
        at++;
    }
    if (at == line->at || (*line->at == '0' && at - line->at > 1)) {
        return 0;
    }
    if (quoted ? *at != '"' : *at == '.' || *at == 'e' || *at == 'E') {
        return 0;
    }
    line->at = at + quoted;
    *found = number;
    return 1;
}

static int
name(Line *line, Text *text)
{
    int found = string(line, text);
    if (found & BEYOND_ASCII) {
        PyObject *decoded = PyUnicode_DecodeUTF8(text->at, text->end - text->at, NULL);
        if (decoded == NULL) {
            return 0;
        }
        Py_DECREF(decoded);
    }
    return found != NO_STRING;
}

/* Attributes, mostly those of an earlier span of the same name. A list is over where its text is,
   so what begins with the text of a list begins with that list. */
static int
attributes(Line *line, Span *span)
{
    Py_ssize_t *recent = &line->recent[slot_of(span->name)];
    if (*recent) {
        Text before = line->spans[*recent - 1].attributes;
        Py_ssize_t size = before.end - before.at;
        if (line->end - line->at >= size && memcmp(line->at, before.at, (size_t)size) == 0) {
            span->attributes.at = (const char *)line->at;
            line->at += size;
            span->attributes.end = (const char *)line->at;
            span->like = *recent;
            return 1;
        }
    }
    int is_list = *line->at == '[';
    if (!raw(line, &span->attributes)) {
        return 0;
    }
    if (is_list) {
        *recent = line->count + 1;
    }
    return 1;
}

enum { TRACE = 1, SPAN = 2, PARENT = 4, CALLED = 8, START = 16, END = 32, HAS = 64, LINKED = 128 };

typedef struct {
    Span *span;
    unsigned met;
} SpanMembers;

static int
span_member(Line *line, Text key, void *into)
{
    SpanMembers *members = into;
    Span *span = members->span;
    unsigned *met = &members->met;
    if (is(key, "traceId")) {
        return first(met, TRACE) && trace_identity(line, &span->row);
    }
    if (is(key, "spanId")) {
        return first(met, SPAN) && span_identity(line, &span->row.span);
    }
    if (is(key, "parentSpanId")) {
        return first(met, PARENT) && parent_identity(line, &span->row.parent);
    }
    if (is(key, "name")) {
        return first(met, CALLED) && name(line, &span->name);
    }
    if (is(key, "startTimeUnixNano")) {
        return first(met, START) && moment(line, &span->row.start);
    }
    if (is(key, "endTimeUnixNano")) {
        return first(met, END) && moment(line, &span->row.end);
    }
    if (is(key, "attributes")) {
        return first(met, HAS) && attributes(line, span);
    }
    if (is(key, "links")) {
        return first(met, LINKED) && raw(line, &span->links);
    }
    return skip(line, 0);
}

/* Make room for one more; 0 with an exception set if there is no memory. */
static int
grow(void **items, Py_ssize_t count, Py_ssize_t *room, size_t size)
{
    if (count < *room) {
        return 1;
    }
    Py_ssize_t more = *room ? 2 * *room : 64;
    void *moved = PyMem_Realloc(*items, (size_t)more * size);
    if (moved == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    *items = moved;
    *room = more;
    return 1;
}

static int
span_item(Line *line)
{
    if (!grow((void **)&line->spans, line->count, &line->room, sizeof(Span))) {
        return 0;
    }
    SpanMembers members = {&line->spans[line->count], 0};
    memset(members.span, 0, sizeof(Span));
    if (!object(line, span_member, &members) || (~members.met & (TRACE | SPAN))) {
        return 0;
    }
    line->count++;
    return 1;
}

enum { SPANS = 1, RESOURCE = 2, SCOPES = 4, RESOURCES = 8 };

static int
scope_member(Line *line, Text key, void *into)
{
    if (is(key, "spans")) {
        return first(into, SPANS) && list(line, span_item);
    }
    return skip(line, 0);
}

static int
scope_item(Line *line)
{
    unsigned met = 0;
    return object(line, scope_member, &met);
}

typedef struct {
    Resource *resource;
    unsigned met;
} ResourceMembers;

static int
resource_member(Line *line, Text key, void *into)
{
    ResourceMembers *members = into;
    if (is(key, "resource")) {
        return first(&members->met, RESOURCE) && raw(line, &members->resource->resource);
    }
    if (is(key, "scopeSpans")) {
        return first(&members->met, SCOPES) && list(line, scope_item);
    }
    return skip(line, 0);
}

static int
resource_item(Line *line)
{
    if (!grow((void **)&line->resources, line->resource_count, &line->resource_room,
              sizeof(Resource))) {
        return 0;
    }
    Resource resource = {{NULL, NULL}, 0};
    ResourceMembers members = {&resource, 0};
    if (!object(line, resource_member, &members)) {
        return 0;
    }
    resource.end = line->count;
    line->resources[line->resource_count++] = resource;
    return 1;
}

static int
request_member(Line *line, Text key, void *into)
{
    if (is(key, "resourceSpans")) {
        return first(into, RESOURCES) && list(line, resource_item);
    }
    return skip(line, 0);
}

/* The spans of each resource: its raw text, and how many they are. NULL with an exception set. */
static PyObject *
resources_of(const Line *line)
{
    PyObject *found = PyList_New(0);
    Py_ssize_t begin = 0;
    for (Py_ssize_t at = 0; found != NULL && at < line->resource_count; at++) {
        const Resource *one = &line->resources[at];
        const char *text = one->resource.at ? one->resource.at : "";
        Py_ssize_t size = one->resource.at ? one->resource.end - one->resource.at : 0;
        if (append(found, Py_BuildValue("(y#n)", text, size, one->end - begin)) < 0) {
            Py_CLEAR(found);
        }
        begin = one->end;
    }
    return found;
}

/* Rows, resources and misses of a line that was read. NULL with an exception set. */
static PyObject *
found_in(Line *line, PyObject *names, PyObject *facts)
{
    PyObject *rows = PyBytes_FromStringAndSize(NULL, line->count * (Py_ssize_t)sizeof(Row));
    PyObject *misses = PyList_New(0);
    PyObject *resources = resources_of(line);
    int failed = rows == NULL || misses == NULL || resources == NULL;
    for (Py_ssize_t at = 0; !failed && at < line->count; at++) {
        Span *span = &line->spans[at];
        const Span *like = span->like ? &line->spans[span->like - 1] : NULL;
        failed = settle(span, like, at, names, facts, misses) < 0;
        memcpy(PyBytes_AS_STRING(rows) + at * (Py_ssize_t)sizeof(Row), &span->row, sizeof(Row));
    }
    PyObject *found = failed ? NULL : PyTuple_Pack(3, rows, misses, resources);
    Py_XDECREF(rows);
    Py_XDECREF(misses);
    Py_XDECREF(resources);
    return found;
}

PyDoc_STRVAR(scan_line_doc,
"scan_line(line, names, facts)\n--\n\n"
"The spans of a line of OTLP JSON, or None if it is not an ordinary one.");

static PyObject *
scan_line(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *content, *names, *facts;
    if (!PyArg_ParseTuple(args, "SO!O!:scan_line", &content, &PyDict_Type, &names, &PyDict_Type,
                          &facts)) {
        return NULL;
    }
    Line line = {0};
    line.at = (const unsigned char *)PyBytes_AS_STRING(content);
    line.end = line.at + PyBytes_GET_SIZE(content);
    unsigned met = 0;
    int good = object(&line, request_member, &met);
    if (good) {
        skip_space(&line);
        good = line.at == line.end && line.count > 0;
    }
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
    }
    PyObject *found = NULL;
    if (good) {
        found = found_in(&line, names, facts);
    } else if (!PyErr_Occurred()) {
        found = Py_NewRef(Py_None);
    }
    PyMem_Free(line.spans);
    PyMem_Free(line.resources);
    return found;
}

/* ---- protobuf ---- */

/* Tags of the fields of a span and, where that is fixed, their length. */
enum {
    TRACE_TAG = 0x0A,
    SPAN_TAG = 0x12,
    PARENT_TAG = 0x22,
    NAME_TAG = 0x2A,
    KIND_TAG = 0x30,
    START_TAG = 0x39,
    END_TAG = 0x41,
    TRACE_SIZE = 16,
    ID_SIZE = 8,
    ONE_BYTE = 0x80, /* a varint below this has one byte */
};

static inline uint64_t
big_endian(const unsigned char *at)
{
    uint64_t number = 0;
    for (int place = 0; place < 8; place++) {
        number = number << 8 | at[place];
    }
    return number;
}

static inline uint64_t
little_endian(const unsigned char *at)
{
    uint64_t number = 0;
    for (int place = 7; place >= 0; place--) {
        number = number << 8 | at[place];
    }
    return number;
}

/* Read a span whose ids, name, kind and times stand first, as every encoder writes them; 0 if it
   is not such a one. What follows is its attributes and whatever else there is. */
static int
message_span(const unsigned char *at, Py_ssize_t size, Span *span)
{
    const unsigned char *end = at + size;
    Row *row = &span->row;
    if (size < 28 || at[0] != TRACE_TAG || at[1] != TRACE_SIZE || at[18] != SPAN_TAG
        || at[19] != ID_SIZE) {
        return 0;
    }
    row->trace_high = big_endian(at + 2);
    row->trace_low = big_endian(at + 10);
    row->span = big_endian(at + 20);
    at += 28;
    if (end - at >= 10 && at[0] == PARENT_TAG && at[1] == ID_SIZE) {
        row->parent = big_endian(at + 2);
        at += 10;
    }
    if (end - at < 2 || at[0] != NAME_TAG || at[1] >= ONE_BYTE || end - at < 2 + at[1]) {
        return 0;
    }
    span->name.at = (const char *)at + 2;
    at += 2 + at[1];
    span->name.end = (const char *)at;
    if (end - at < 20 || at[0] != KIND_TAG || at[1] >= ONE_BYTE || at[2] != START_TAG
        || at[11] != END_TAG) {
        return 0;
    }
    uint64_t start = little_endian(at + 3), finish = little_endian(at + 12);
    if (start > INT64_MAX || finish > INT64_MAX) {
        row->span = 0; /* no time is that late: it is invalid */
    }
    row->start = (int64_t)start;
    row->end = (int64_t)finish;
    span->attributes.at = (const char *)at + 20;
    span->attributes.end = (const char *)end;
    return 1;
}

PyDoc_STRVAR(scan_spans_doc,
"scan_spans(spans, names, facts)\n--\n\n"
"Rows of the ordinary ones among protobuf spans, and the numbers of the others.");

static PyObject *
scan_spans(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *spans, *names, *facts;
    if (!PyArg_ParseTuple(args, "O!O!O!:scan_spans", &PyTuple_Type, &spans, &PyDict_Type, &names,
                          &PyDict_Type, &facts)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(spans), usual = 0;
    PyObject *rows = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(Row));
    PyObject *misses = PyList_New(0);
    PyObject *others = PyList_New(0);
    Span recent[SLOTS]; /* by name */
    memset(recent, 0, sizeof(recent));
    int failed = rows == NULL || misses == NULL || others == NULL;
    for (Py_ssize_t at = 0; !failed && at < count; at++) {
        Span span = {0};
        PyObject *content = PyTuple_GET_ITEM(spans, at);
        if (!PyBytes_Check(content)) {
            PyErr_SetString(PyExc_TypeError, "a span is bytes");
            failed = 1;
        } else if (message_span((const unsigned char *)PyBytes_AS_STRING(content),
                                PyBytes_GET_SIZE(content), &span)) {
            Span *before = &recent[slot_of(span.name)];
            int is_like = before->attributes.at && is_same(span.attributes, before->attributes);
            failed = settle(&span, is_like ? before : NULL, usual, names, facts, misses) < 0;
            *before = span;
            memcpy(PyBytes_AS_STRING(rows) + usual * (Py_ssize_t)sizeof(Row), &span.row,
                   sizeof(Row));
            usual++;
        } else {
            failed = append(others, PyLong_FromSsize_t(at)) < 0;
        }
    }
    failed = failed || _PyBytes_Resize(&rows, usual * (Py_ssize_t)sizeof(Row)) < 0;
    PyObject *found = failed ? NULL : PyTuple_Pack(3, rows, misses, others);
    Py_XDECREF(rows);
    Py_XDECREF(misses);
    Py_XDECREF(others);
    return found;
}

static PyMethodDef methods[] = {
    {"scan_line", scan_line, METH_VARARGS, scan_line_doc},
    {"scan_spans", scan_spans, METH_VARARGS, scan_spans_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "rbtrace.analysis.readers._spanscan",
    .m_doc = "Ordinary OTLP spans as rows of numbers.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__spanscan(void)
{
    return PyModuleDef_Init(&definition);
}
