/* The depth of recursion that tracing takes, given back: see `rbtrace.recording.recursion`, which
   says what is for what. Included by `_fasthot.c` only.

   They are objects that are called, not built-in functions: the call of one checks no limit itself,
   so it cannot fail where there is no depth left. */

#include <limits.h>
#ifndef _WIN32
#include <pthread.h>
#endif

#if PY_VERSION_HEX < 0x030E0000
#define HAS_C_LIMIT 1
#else
#define HAS_C_LIMIT 0
#endif

#define LENT_FRAMES 500
#define LENT_C_CALLS 150
#define C_CALLS_OF_A_STEP 3 /* the call of `send`, and the interpreter it starts */

/* Bytes: what a call needs that ends in an error; what a first span takes, and some; what generators
   leave before they are not resumed from C; what is enough for all calls from C that the limit of a
   thread allows. */
#define LEAST_STACK (10 * 1024)
#define STACK_OF_A_SPAN (48 * 1024)
#define STACK_OF_STEPS (128 * 1024)
#define AMPLE_STACK (5 * 1024 * 1024)

#if PY_VERSION_HEX < 0x030D0000
#define LIMIT_FROM_C C_RECURSION_LIMIT
#elif HAS_C_LIMIT
#define LIMIT_FROM_C Py_C_RECURSION_LIMIT
#endif

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    const char *name;
} Depth;

static inline void
lend(PyThreadState *thread, int frames, int c_calls)
{
    thread->py_recursion_remaining += frames;
#if HAS_C_LIMIT
    thread->c_recursion_remaining += c_calls;
#else
    (void)c_calls;
#endif
}

/* Call args[0] with the others, with so much more depth meanwhile. */
static PyObject *
lent_call(PyObject *const *args, size_t nargsf, PyObject *kwnames, int frames, int c_calls)
{
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "there is nothing to call");
        return NULL;
    }
    PyThreadState *thread = PyThreadState_Get();
    lend(thread, frames, c_calls);
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(count - 1), kwnames);
    lend(thread, -frames, -c_calls);
    return result;
}

static _Thread_local char *stack_end; /* the lowest address of the stack of this thread */

/* Find it; without a way to ask, there is no end. */
static void
find_stack_end(void)
{
    stack_end = (char *)1;
#if defined(__linux__)
    pthread_attr_t attributes;
    void *lowest;
    size_t size, guard;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &lowest, &size) == 0 &&
            pthread_attr_getguardsize(&attributes, &guard) == 0) {
            stack_end = (char *)lowest + guard;
        }
        pthread_attr_destroy(&attributes);
    }
#elif defined(__APPLE__)
    stack_end = (char *)pthread_get_stackaddr_np(pthread_self()) -
                pthread_get_stacksize_np(pthread_self());
#endif
}

/* Bytes of the C stack that this thread has left. */
static inline Py_ssize_t
stack_left(void)
{
    char here_on_stack;
    if (stack_end == NULL) {
        find_stack_end();
    }
    return &here_on_stack - stack_end;
}

static PyObject *
with_headroom(PyObject *Py_UNUSED(self), PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    return lent_call(args, nargsf, kwnames, LENT_FRAMES, LENT_C_CALLS);
}

static PyObject *
inward(PyObject *Py_UNUSED(self), PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    int c_calls = stack_left() >= AMPLE_STACK ? C_CALLS_OF_A_STEP : 0;
    return lent_call(args, nargsf, kwnames, 1, c_calls);
}

static PyObject *
has_stack(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargsf),
          PyObject *Py_UNUSED(kwnames))
{
    return PyBool_FromLong(stack_left() >= STACK_OF_A_SPAN);
}

/* Without an ample stack, the limit of calls from C leaves at least half to the program. */
static PyObject *
may_step(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargsf),
         PyObject *Py_UNUSED(kwnames))
{
    Py_ssize_t left = stack_left();
#if HAS_C_LIMIT
    int shallow = PyThreadState_Get()->c_recursion_remaining > LIMIT_FROM_C / 2;
#else
    int shallow = 1;
#endif
    return PyBool_FromLong(left >= AMPLE_STACK || (left >= STACK_OF_STEPS && shallow));
}

static PyObject *
give(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargsf),
     PyObject *Py_UNUSED(kwnames))
{
    if (stack_left() < LEAST_STACK) {
        PyErr_SetString(PyExc_RecursionError,
                        "maximum recursion depth exceeded: the stack of the thread is used up");
        return NULL;
    }
    PyThreadState *thread = PyThreadState_Get();
    PyObject *depth = PyLong_FromLong(thread->py_recursion_limit - thread->py_recursion_remaining);
    if (depth != NULL) {
        thread->py_recursion_remaining++;
    }
    return depth;
}

static PyObject *
take(PyObject *Py_UNUSED(self), PyObject *const *args, size_t nargsf, PyObject *Py_UNUSED(kwnames))
{
    if (PyVectorcall_NARGS(nargsf) != 1 || !PyLong_CheckExact(args[0])) {
        PyErr_SetString(PyExc_TypeError, "take wants what give gave");
        return NULL;
    }
    PyThreadState *thread = PyThreadState_Get();
    thread->py_recursion_remaining = thread->py_recursion_limit - (int)PyLong_AsLong(args[0]);
    Py_RETURN_NONE;
}

/* By name: functions that some pools pickle by value refer to them. */
static PyObject *
reduce_depth(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyUnicode_FromString(((Depth *)self)->name);
}

static PyObject *
module_of_depth(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure))
{
    return PyUnicode_FromString("rbtrace.recording.recursion");
}

static PyMethodDef depth_methods[] = {
    {"__reduce__", reduce_depth, METH_NOARGS, "Pickled by name."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef depth_properties[] = {
    {"__module__", module_of_depth, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject depth_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rbtrace.recording.hot._fasthot.Depth",
    .tp_doc = "Changes how deep the calling thread may recurse.",
    .tp_basicsize = sizeof(Depth),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Depth, call),
    .tp_methods = depth_methods,
    .tp_getset = depth_properties,
};

static int
add_depth(PyObject *module)
{
    struct {
        const char *name;
        vectorcallfunc call;
    } all[] = {
        {"with_headroom", with_headroom}, {"inward", inward},         {"give", give},
        {"take", take},                   {"has_stack", has_stack}, {"may_step", may_step},
    };
    if (PyType_Ready(&depth_type) < 0) {
        return -1;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(all); i++) {
        Depth *made = PyObject_New(Depth, &depth_type);
        if (made == NULL) {
            return -1;
        }
        made->call = all[i].call;
        made->name = all[i].name;
        int failed = PyModule_AddObjectRef(module, all[i].name, (PyObject *)made) < 0;
        Py_DECREF(made);
        if (failed) {
            return -1;
        }
    }
    return 0;
}
