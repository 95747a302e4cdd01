/* Scans lines of OTLP JSON. */

#include "_spanscan.h"

static inline int
is_key(Text key, const char *name)
{
    size_t size = strlen(name);
    return (size_t)(key.end - key.at) == size && memcmp(key.at, name, size) == 0;
}

/* Note that a member has occurred; 0 if it has occurred before, as Python decides which counts. */
static inline int
is_first(unsigned *seen, unsigned member)
{
    unsigned before = *seen & member;
    *seen |= member;
    return before == 0;
}

/* Read an id of sixteen hexadecimal digits; 0 if they are none. */
static int
read_hex_id(const char *at, uint64_t *id)
{
    uint64_t number = 0;
    for (int index = 0; index < 16; index++) {
        unsigned digit = hex_digits[(unsigned char)at[index]];
        if (digit == 0) {
            return 0;
        }
        number = number << 4 | (digit - 1);
    }
    *id = number;
    return 1;
}

static int
read_span_id(Line *line, uint64_t *id)
{
    Text text;
    return read_string(line, &text) && text.end - text.at == 16 && read_hex_id(text.at, id);
}

static int
read_parent_id(Line *line, uint64_t *id)
{
    if (line->at[0] == '"' && line->at[1] == '"') {
        line->at += 2;
        return 1;
    }
    return read_span_id(line, id);
}

static int
read_trace_id(Line *line, Row *row)
{
    Text text;
    return read_string(line, &text) && text.end - text.at == 32
           && read_hex_id(text.at, &row->trace_high) && read_hex_id(text.at + 16, &row->trace_low);
}

/* Nanoseconds, as a number or its text. */
static int
read_timestamp(Line *line, int64_t *ns)
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
    *ns = number;
    return 1;
}

static int
read_name(Line *line, Text *text)
{
    int contents = read_string(line, text);
    if (contents & BEYOND_ASCII) {
        PyObject *decoded = PyUnicode_DecodeUTF8(text->at, text->end - text->at, NULL);
        if (decoded == NULL) {
            return 0;
        }
        Py_DECREF(decoded);
    }
    return contents != NO_STRING;
}

/* Attributes are mostly those of an earlier span of the same name. A list ends where its text ends,
   so what begins with the text of a list begins with that list. */
static int
read_attributes(Line *line, Span *span)
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
    if (!read_raw(line, &span->attributes)) {
        return 0;
    }
    if (is_list) {
        *recent = line->count + 1;
    }
    return 1;
}

enum {
    TRACE = 1,
    SPAN = 2,
    PARENT = 4,
    NAMED = 8,
    START = 16,
    END = 32,
    ATTRIBUTES = 64,
    LINKED = 128,
};

typedef struct {
    Span *span;
    unsigned seen;
} SpanMembers;

static int
read_span_member(Line *line, Text key, void *into)
{
    SpanMembers *members = into;
    Span *span = members->span;
    unsigned *seen = &members->seen;
    if (is_key(key, "traceId")) {
        return is_first(seen, TRACE) && read_trace_id(line, &span->row);
    }
    if (is_key(key, "spanId")) {
        return is_first(seen, SPAN) && read_span_id(line, &span->row.span);
    }
    if (is_key(key, "parentSpanId")) {
        return is_first(seen, PARENT) && read_parent_id(line, &span->row.parent);
    }
    if (is_key(key, "name")) {
        return is_first(seen, NAMED) && read_name(line, &span->name);
    }
    if (is_key(key, "startTimeUnixNano")) {
        return is_first(seen, START) && read_timestamp(line, &span->row.start);
    }
    if (is_key(key, "endTimeUnixNano")) {
        return is_first(seen, END) && read_timestamp(line, &span->row.end);
    }
    if (is_key(key, "attributes")) {
        return is_first(seen, ATTRIBUTES) && read_attributes(line, span);
    }
    if (is_key(key, "links")) {
        return is_first(seen, LINKED) && read_raw(line, &span->links);
    }
    return skip_value(line, 0);
}

/* Make room for one more; 0 with an exception set if there is no memory. */
static int
make_room(void **items, Py_ssize_t count, Py_ssize_t *room, size_t size)
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
read_span(Line *line)
{
    if (!make_room((void **)&line->spans, line->count, &line->room, sizeof(Span))) {
        return 0;
    }
    SpanMembers members = {&line->spans[line->count], 0};
    memset(members.span, 0, sizeof(Span));
    if (!read_object(line, read_span_member, &members) || (~members.seen & (TRACE | SPAN))) {
        return 0;
    }
    line->count++;
    return 1;
}

enum { SPANS = 1, RESOURCE = 2, SCOPES = 4, RESOURCES = 8 };

static int
read_scope_member(Line *line, Text key, void *into)
{
    if (is_key(key, "spans")) {
        return is_first(into, SPANS) && read_list(line, read_span);
    }
    return skip_value(line, 0);
}

static int
read_scope(Line *line)
{
    unsigned seen = 0;
    return read_object(line, read_scope_member, &seen);
}

typedef struct {
    Resource *resource;
    unsigned seen;
} ResourceMembers;

static int
read_resource_member(Line *line, Text key, void *into)
{
    ResourceMembers *members = into;
    if (is_key(key, "resource")) {
        return is_first(&members->seen, RESOURCE) && read_raw(line, &members->resource->resource);
    }
    if (is_key(key, "scopeSpans")) {
        return is_first(&members->seen, SCOPES) && read_list(line, read_scope);
    }
    return skip_value(line, 0);
}

static int
read_resource(Line *line)
{
    if (!make_room((void **)&line->resources, line->resource_count, &line->resource_room,
                   sizeof(Resource))) {
        return 0;
    }
    Resource resource = {{NULL, NULL}, 0};
    ResourceMembers members = {&resource, 0};
    if (!read_object(line, read_resource_member, &members)) {
        return 0;
    }
    resource.end = line->count;
    line->resources[line->resource_count++] = resource;
    return 1;
}

static int
read_request_member(Line *line, Text key, void *into)
{
    if (is_key(key, "resourceSpans")) {
        return is_first(into, RESOURCES) && read_list(line, read_resource);
    }
    return skip_value(line, 0);
}

/* The raw text of each resource, and the number of its spans. NULL with an exception set. */
static PyObject *
resource_counts(const Line *line)
{
    PyObject *result = PyList_New(0);
    Py_ssize_t begin = 0;
    for (Py_ssize_t at = 0; result != NULL && at < line->resource_count; at++) {
        const Resource *resource = &line->resources[at];
        Text raw = resource->resource;
        const char *text = raw.at ? raw.at : "";
        Py_ssize_t size = raw.at ? raw.end - raw.at : 0;
        if (append_item(result, Py_BuildValue("(y#n)", text, size, resource->end - begin)) < 0) {
            Py_CLEAR(result);
        }
        begin = resource->end;
    }
    return result;
}

/* Rows, resources and misses of a line that was read. NULL with an exception set. */
static PyObject *
result_of(Line *line, PyObject *names, PyObject *shared)
{
    PyObject *rows = PyBytes_FromStringAndSize(NULL, line->count * (Py_ssize_t)sizeof(Row));
    PyObject *misses = PyList_New(0);
    PyObject *resources = resource_counts(line);
    int failed = rows == NULL || misses == NULL || resources == NULL;
    for (Py_ssize_t at = 0; !failed && at < line->count; at++) {
        Span *span = &line->spans[at];
        const Span *like = span->like ? &line->spans[span->like - 1] : NULL;
        failed = set_codes(span, like, at, names, shared, misses) < 0;
        memcpy(PyBytes_AS_STRING(rows) + at * (Py_ssize_t)sizeof(Row), &span->row, sizeof(Row));
    }
    PyObject *result = failed ? NULL : PyTuple_Pack(3, rows, misses, resources);
    Py_XDECREF(rows);
    Py_XDECREF(misses);
    Py_XDECREF(resources);
    return result;
}

const char scan_line_doc[] = PyDoc_STR(
"scan_line(line, names, shared)\n--\n\n"
"The spans of a line of OTLP JSON, or None if it is not an ordinary one.");

PyObject *
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
    unsigned seen = 0;
    int is_valid = read_object(&line, read_request_member, &seen);
    if (is_valid) {
        skip_space(&line);
        is_valid = line.at == line.end && line.count > 0;
    }
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
    }
    PyObject *result = NULL;
    if (is_valid) {
        result = result_of(&line, names, shared);
    } else if (!PyErr_Occurred()) {
        result = Py_NewRef(Py_None);
    }
    PyMem_Free(line.spans);
    PyMem_Free(line.resources);
    return result;
}
