/* Scans protobuf spans. */

#include "_spanscan.h"

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
    for (int index = 0; index < 8; index++) {
        number = number << 8 | at[index];
    }
    return number;
}

static inline uint64_t
little_endian(const unsigned char *at)
{
    uint64_t number = 0;
    for (int index = 7; index >= 0; index--) {
        number = number << 8 | at[index];
    }
    return number;
}

/* Read a span whose ids, name, kind and times come first, as every encoder writes them; 0 if it is
   not such a span. What follows is its attributes and other fields. */
static int
read_span(const unsigned char *at, Py_ssize_t size, Span *span)
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

const char scan_spans_doc[] = PyDoc_STR(
"scan_spans(spans, names, shared)\n--\n\n"
"Rows of the ordinary ones among protobuf spans, and the numbers of the others.");

PyObject *
scan_spans(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *spans, *names, *shared;
    if (!PyArg_ParseTuple(args, "O!O!O!:scan_spans", &PyTuple_Type, &spans, &PyDict_Type, &names,
                          &PyDict_Type, &shared)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(spans), ordinary = 0;
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
        } else if (read_span((const unsigned char *)PyBytes_AS_STRING(content),
                             PyBytes_GET_SIZE(content), &span)) {
            Span *before = &recent[slot_of(span.name)];
            int is_like = before->attributes.at && is_same(span.attributes, before->attributes);
            failed = set_codes(&span, is_like ? before : NULL, ordinary, names, shared, misses) < 0;
            *before = span;
            memcpy(PyBytes_AS_STRING(rows) + ordinary * (Py_ssize_t)sizeof(Row), &span.row,
                   sizeof(Row));
            ordinary++;
        } else {
            failed = append_item(others, PyLong_FromSsize_t(at)) < 0;
        }
    }
    failed = failed || _PyBytes_Resize(&rows, ordinary * (Py_ssize_t)sizeof(Row)) < 0;
    PyObject *result = failed ? NULL : PyTuple_Pack(3, rows, misses, others);
    Py_XDECREF(rows);
    Py_XDECREF(misses);
    Py_XDECREF(others);
    return result;
}
