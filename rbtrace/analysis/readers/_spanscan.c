/* The ordinary line of OTLP JSON and the ordinary protobuf span as rows of numbers, without a
   Python object for each span.

   The Python readers stay the definition. What is not spelled as the usual encoders do (and every
   line that is broken) gets no rows, and they read it; so this may refuse whatever it likes, and
   must never accept what they would read differently.

   No state is kept between calls. A bytes object ends with a NUL that is not counted. No JSON has
   one, so whoever looks at one character after the other stops there at the latest. */

#include "_spanscan_line.h"
#include "_spanscan_protobuf.h"

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
