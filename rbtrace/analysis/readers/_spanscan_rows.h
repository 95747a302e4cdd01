/* Rows, and how they get their codes. */

#ifndef RBTRACE_SPANSCAN_ROWS_H
#define RBTRACE_SPANSCAN_ROWS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define SLOTS 64 /* for spans that are remembered by their name */
#define UNKNOWN -1 /* code of what has none yet */

/* As `rbtrace.analysis.readers.fast_path.ROW` has it. */
typedef struct {
    uint64_t trace_high, trace_low, span, parent;
    int64_t start, end;
    int32_t name, shared;
} Row;

/* What a miss is about, as in `rbtrace.analysis.readers.fast_path`. */
enum { NAME, SHARED, LINKS };

typedef struct {
    const char *at, *end;
} Text;

typedef struct {
    Row row;
    Text name, attributes, links; /* `at` is NULL where there are none */
    Py_ssize_t like; /* 1 + the number of an earlier span with the same attributes; 0: none known */
} Span;

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
settle(Span *span, const Span *like, Py_ssize_t number, PyObject *names, PyObject *shared,
       PyObject *misses)
{
    Row *row = &span->row;
    if (like != NULL && like->name.at && span->name.at && is_same(span->name, like->name)) {
        row->name = like->row.name;
    } else if (look_up(names, span->name, &row->name) < 0) {
        return -1;
    }
    if (like != NULL) {
        row->shared = like->row.shared;
    } else if (look_up(shared, span->attributes, &row->shared) < 0) {
        return -1;
    }
    if ((row->name == UNKNOWN && miss(misses, number, NAME, span->name) < 0)
        || (row->shared == UNKNOWN && miss(misses, number, SHARED, span->attributes) < 0)
        || (span->links.at && miss(misses, number, LINKS, span->links) < 0)) {
        return -1;
    }
    return 0;
}

#endif
