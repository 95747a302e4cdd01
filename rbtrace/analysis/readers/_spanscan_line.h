/* Lines of OTLP JSON. */

#include "_spanscan_json.h"

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
found_in(Line *line, PyObject *names, PyObject *shared)
{
    PyObject *rows = PyBytes_FromStringAndSize(NULL, line->count * (Py_ssize_t)sizeof(Row));
    PyObject *misses = PyList_New(0);
    PyObject *resources = resources_of(line);
    int failed = rows == NULL || misses == NULL || resources == NULL;
    for (Py_ssize_t at = 0; !failed && at < line->count; at++) {
        Span *span = &line->spans[at];
        const Span *like = span->like ? &line->spans[span->like - 1] : NULL;
        failed = settle(span, like, at, names, shared, misses) < 0;
        memcpy(PyBytes_AS_STRING(rows) + at * (Py_ssize_t)sizeof(Row), &span->row, sizeof(Row));
    }
    PyObject *found = failed ? NULL : PyTuple_Pack(3, rows, misses, resources);
    Py_XDECREF(rows);
    Py_XDECREF(misses);
    Py_XDECREF(resources);
    return found;
}

PyDoc_STRVAR(scan_line_doc,
"scan_line(line, names, shared)\n--\n\n"
"The spans of a line of OTLP JSON, or None if it is not an ordinary one.");

static PyObject *
scan_line(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *content, *names, *shared;
    if (!PyArg_ParseTuple(args, "SO!O!:scan_line", &content, &PyDict_Type, &names, &PyDict_Type,
                          &shared)) {
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
        found = found_in(&line, names, shared);
    } else if (!PyErr_Occurred()) {
        found = Py_NewRef(Py_None);
    }
    PyMem_Free(line.spans);
    PyMem_Free(line.resources);
    return found;
}
