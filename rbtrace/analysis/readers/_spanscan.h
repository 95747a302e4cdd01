/* What the sources of the scanner share: spans and their rows, and the JSON of a line. */

#ifndef RBTRACE_SPANSCAN_H
#define RBTRACE_SPANSCAN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#pragma GCC visibility push(hidden)
#endif

#define SLOTS 64 /* for spans that are remembered by their name */
#define UNKNOWN -1 /* code of what has none yet */

/* As `rbtrace.analysis.readers.fast_path.ROW` has it. */
typedef struct {
    uint64_t trace_high, trace_low, span, parent;
    int64_t start, end;
    int32_t name, shared;
} Row;

/* The field of a miss, as in `rbtrace.analysis.readers.fast_path`. */
enum { NAME, SHARED, LINKS };

typedef struct {
    const char *at, *end;
} Text;

typedef struct {
    Row row;
    Text name, attributes, links; /* `at` is NULL where there are none */
    Py_ssize_t like; /* 1 + the index of an earlier span with the same attributes; 0: none known */
} Span;

static inline int
is_same(Text left, Text right)
{
    size_t size = (size_t)(left.end - left.at);
    return (size_t)(right.end - right.at) == size && memcmp(left.at, right.at, size) == 0;
}

/* The slot in which a span of this name is remembered. */
static inline size_t
slot_of(Text name)
{
    size_t size = name.at ? (size_t)(name.end - name.at) : 0;
    size_t sum = size ? size + 3 * (size_t)name.at[0] + 5 * (size_t)name.at[size - 1] : 0;
    return sum % SLOTS;
}

/* In _spanscan.c. They return 0, or -1 with an exception set. */

/* Append a new reference, which is taken over; NULL is an error. */
int append_item(PyObject *list, PyObject *item);

/* Give a row its codes; what is not known is appended to the misses. `like` has the same attributes
   and its codes already, or is NULL. */
int set_codes(Span *span, const Span *like, Py_ssize_t number, PyObject *names, PyObject *shared,
              PyObject *misses);

/* In _spanscan_line.c and _spanscan_protobuf.c: the functions of the module. */
PyObject *scan_line(PyObject *module, PyObject *args);
PyObject *scan_spans(PyObject *module, PyObject *args);
extern const char scan_line_doc[];
extern const char scan_spans_doc[];

/* A line of OTLP JSON that is being read. */
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
    Py_ssize_t recent[SLOTS]; /* 1 + the index of a span, by its name; 0: none */
} Line;

typedef int (*MemberReader)(Line *line, Text key, void *into);
typedef int (*ItemReader)(Line *line);

/* In _spanscan_json.c: JSON, whatever its meaning. What is read is valid JSON if the answer is not
   0. Each begins at a value, but for `read_object` and `read_list`, which may begin at space. */

/* What a string contains; NO_STRING if it is none. */
enum { NO_STRING = 0, STRING = 1, ESCAPES = 2, BEYOND_ASCII = 4 };

int read_string(Line *line, Text *text);

/* Skip a value; `depth` of those around it. */
int skip_value(Line *line, int depth);

/* Skip a value and note its text. */
int read_raw(Line *line, Text *text);

int read_object(Line *line, MemberReader read_member, void *into);
int read_list(Line *line, ItemReader read_item);

/* One more than the value of a hexadecimal digit; 0 for any other character. */
extern const unsigned char hex_digits[256];

static inline void
skip_space(Line *line)
{
    while (*line->at == ' ' || *line->at == '\n' || *line->at == '\r' || *line->at == '\t') {
        line->at++;
    }
}

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
