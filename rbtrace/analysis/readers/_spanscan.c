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

/* Give a row its codes; what is not known goes to the misses. 0; -1 with an exception set. */
static int
settle(Span *span, Py_ssize_t number, PyObject *names, PyObject *facts, PyObject *misses)
{
    Row *row = &span->row;
    if (look_up(names, span->name, &row->name) < 0
        || look_up(facts, span->attributes, &row->facts) < 0
        || (row->name == UNKNOWN && miss(misses, number, NAME, span->name) < 0)
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

static inline int
digit_of_hex(unsigned char sign)
{
    if (sign >= '0' && sign <= '9') {
        return sign - '0';
    }
    sign |= 0x20;
    return sign >= 'a' && sign <= 'f' ? sign - 'a' + 10 : -1;
}

/* Length of an escape; 0 if it is none, or half of a surrogate pair: few write those. */
static int
escape(const unsigned char *at)
{
    if (at[1] == 'u') {
        for (int place = 2; place < 6; place++) {
            if (digit_of_hex(at[place]) < 0) {
                return 0;
            }
        }
        return (at[2] | 0x20) == 'd' && digit_of_hex(at[3]) >= 8 ? 0 : 6;
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
    while (*at != '"') {
        if (*at >= 0x80) {
            found |= BEYOND_ASCII;
            at++;
        } else if (*at == '\\') {
            int length = escape(at);
            if (length == 0) {
                return NO_STRING;
            }
            found |= ESCAPES;
            at += length;
        } else if (*at < 0x20) {
            return NO_STRING;
        } else {
            at++;
        }
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
        int digit = digit_of_hex((unsigned char)at[place]);
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
        return first(met, HAS) && raw(line, &span->attributes);
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
        failed = settle(&line->spans[at], at, names, facts, misses) < 0;
        memcpy(PyBytes_AS_STRING(rows) + at * (Py_ssize_t)sizeof(Row), &line->spans[at].row,
               sizeof(Row));
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

static PyMethodDef methods[] = {
    {"scan_line", scan_line, METH_VARARGS, scan_line_doc},
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
