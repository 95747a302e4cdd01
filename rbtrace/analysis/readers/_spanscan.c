/* Scans ordinary lines of OTLP JSON and ordinary protobuf spans: they become rows of numbers,
   without a Python object for each span.

   The Python readers define what a file means. What is not spelled as the usual encoders do, and
   every broken line, gets no rows, and they read it. So the scanner may refuse anything, and must
   never accept what they would read differently.

   No state is kept between calls. A bytes object ends with a NUL that is not counted. No JSON
   contains one, so reading character by character stops there at the latest. */

#include "_spanscan.h"

/* The code of a text, UNKNOWN if it is not among the known. */
static int
look_up(PyObject *known, Text text, int32_t *code)
{
    PyObject *key = PyBytes_FromStringAndSize(text.at, text.at ? text.end - text.at : 0);
    if (key == NULL) {
        return -1;
    }
    PyObject *value = PyDict_GetItemWithError(known, key);
    Py_DECREF(key);
    if (value == NULL) {
        *code = UNKNOWN;
        return PyErr_Occurred() ? -1 : 0;
    }
    *code = (int32_t)PyLong_AsLong(value);
    return PyErr_Occurred() ? -1 : 0;
}

int
append_item(PyObject *list, PyObject *item)
{
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return failed ? -1 : 0;
}

static int
append_miss(PyObject *misses, Py_ssize_t row, int field, Text text)
{
    Py_ssize_t size = text.at ? text.end - text.at : 0;
    return append_item(misses, Py_BuildValue("(niy#)", row, field, text.at ? text.at : "", size));
}

int
set_codes(Span *span, const Span *like, Py_ssize_t number, PyObject *names, PyObject *shared,
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
    if ((row->name == UNKNOWN && append_miss(misses, number, NAME, span->name) < 0)
        || (row->shared == UNKNOWN && append_miss(misses, number, SHARED, span->attributes) < 0)
        || (span->links.at && append_miss(misses, number, LINKS, span->links) < 0)) {
        return -1;
    }
    return 0;
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
