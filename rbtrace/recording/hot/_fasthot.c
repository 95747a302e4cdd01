/* The ordinary hot call of `rbtrace.recording.hot.wrapper.aggregated`, without the interpreter.

   The Python function `call` made there stays the definition: `quicken` only changes how it is
   called. What is not ordinary (no cursor, another context, a recursion, an alias, the first call of
   a name) goes to its body, so both may take turns on the same cursors and nodes at any time.

   All state of the module is static: it serves the main interpreter only, and needs the GIL. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <time.h>

#if PY_VERSION_HEX < 0x030C0000
#error "needs PyFunction_SetVectorcall, which is new in CPython 3.12"
#endif
#ifdef Py_GIL_DISABLED
#error "relies on the GIL"
#endif

#include "_fasthot_defaults.h"
#include "_fasthot_depth.h"
#include "_fasthot_tally.h"

/* Offsets of the slots of a cursor and of a node. */
static struct {
    Py_ssize_t context, node;
} cursor_at;
static struct {
    Py_ssize_t base, children, context, parent;
} node_at;

/* Where `call` has its free variables, and the `run` of `hot._attaching` its one. */
static struct {
    Py_ssize_t clock, name, target;
} cell_at;
static Py_ssize_t attaching_function_at;

static PyTypeObject *node_type;
static PyObject *context_variable; /* of OpenTelemetry */
static PyObject *perf_counter_ns;
static vectorcallfunc body; /* how a Python function is called ordinarily */

static _Thread_local PyObject *own_cursor; /* the cursor of this thread; owned by its thread state */

static inline PyObject *
get(PyObject *object, Py_ssize_t offset)
{
    return *(PyObject **)((char *)object + offset);
}

/* Assign to a slot. Steals the reference to `value`. */
static inline void
put(PyObject *object, Py_ssize_t offset, PyObject *value)
{
    PyObject **slot = (PyObject **)((char *)object + offset);
    PyObject *before = *slot;
    *slot = value;
    Py_XDECREF(before);
}

static inline PyObject *
free_variable(PyObject *function, Py_ssize_t index)
{
    return PyCell_GET(PyTuple_GET_ITEM(PyFunction_GET_CLOSURE(function), index));
}

static inline long long
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The time on this clock, ns; -1 with an exception set if it has none. */
static inline long long
read_clock(PyObject *clock)
{
    if (clock == perf_counter_ns) {
        return monotonic_ns();
    }
    PyObject *reading = PyObject_CallNoArgs(clock);
    if (reading == NULL) {
        return -1;
    }
    long long now = PyLong_AsLongLong(reading);
    Py_DECREF(reading);
    return now;
}

/* Leave the node and note the call. Takes the reference to `result`, gives it or NULL. */
static PyObject *
leave(PyObject *cursor, PyObject *caller, Tally *node, PyObject *clock, PyObject *result)
{
    PyObject *raised = result == NULL ? PyErr_GetRaisedException() : NULL;
    long long end = read_clock(clock);
    int failed = end < 0 && PyErr_Occurred();
    put(cursor, cursor_at.node, Py_NewRef(caller));
    if (failed) {
        node->started = 0;
    }
    else {
        node->errors += raised != NULL;
        end_call(node, end);
    }
    if (raised != NULL) {
        PyErr_Clear(); /* what fails here gives way to what the call raised */
        PyErr_SetRaisedException(raised);
    }
    else if (failed) {
        Py_CLEAR(result);
    }
    return result;
}

/* Enter the node; give the start of the call, or -1 with an exception set. */
static long long
enter(PyObject *cursor, PyObject *caller, Tally *node, PyObject *clock)
{
    put(cursor, cursor_at.node, Py_NewRef((PyObject *)node));
    long long start = read_clock(clock);
    if (start < 0 && PyErr_Occurred()) {
        put(cursor, cursor_at.node, Py_NewRef(caller));
        return -1;
    }
    return node->started = start;
}

/* Call the target as a call of this node. */
static PyObject *
timed(PyObject *function, PyObject *cursor, PyObject *caller, Tally *node, PyObject *const *args,
      size_t nargsf, PyObject *kwnames)
{
    PyObject *clock = free_variable(function, cell_at.clock);
    PyObject *target = free_variable(function, cell_at.target);
    if (enter(cursor, caller, node, clock) < 0) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(target, args, nargsf, kwnames);
    return leave(cursor, caller, node, clock, result);
}

/* Restore the context that was current before; what a call raised stays raised. */
static void
detach(PyObject *token)
{
    PyObject *raised = PyErr_GetRaisedException();
    if (PyContextVar_Reset(context_variable, token) < 0) {
        PyErr_Clear(); /* as `current.restore` */
    }
    Py_DECREF(token);
    PyErr_SetRaisedException(raised);
}

/* The same with the node's own context as the current one meanwhile. */
static PyObject *
timed_attaching(PyObject *function, PyObject *cursor, PyObject *caller, Tally *node,
                PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *clock = free_variable(function, cell_at.clock);
    PyObject *run = free_variable(function, cell_at.target);
    PyObject *target = free_variable(run, attaching_function_at);
    PyObject *outer = Py_NewRef(get(cursor, cursor_at.context));
    PyObject *context = Py_NewRef(get((PyObject *)node, node_at.context));
    PyObject *result = NULL;
    if (enter(cursor, caller, node, clock) >= 0) {
        PyObject *token = PyContextVar_Set(context_variable, context);
        if (token != NULL) {
            put(cursor, cursor_at.context, Py_NewRef(context));
            result = PyObject_Vectorcall(target, args, nargsf, kwnames);
            detach(token);
            put(cursor, cursor_at.context, Py_NewRef(outer));
        }
        result = leave(cursor, caller, node, clock, result);
    }
    Py_DECREF(context);
    Py_DECREF(outer);
    return result;
}

/* The node of an ordinary call, borrowed; NULL (no exception set) if this is not one. */
static PyObject *
ordinary(PyObject *function, PyObject *cursor)
{
    PyObject *caller = get(cursor, cursor_at.node);
    if (caller == NULL || !Py_IS_TYPE(caller, node_type)) {
        return NULL;
    }
    PyObject *context;
    if (PyContextVar_Get(context_variable, NULL, &context) < 0) {
        PyErr_Clear();
        return NULL;
    }
    int same = context == get(cursor, cursor_at.context);
    Py_XDECREF(context); /* if it is the same, the cursor holds it */
    if (!same || ((Tally *)caller)->started == 0) {
        return NULL;
    }
    PyObject *children = get(caller, node_at.children);
    PyObject *name = free_variable(function, cell_at.name);
    PyObject *node = PyDict_GetItemWithError(children, name);
    if (node == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (!Py_IS_TYPE(node, node_type) || ((Tally *)node)->started != 0 ||
        get(node, node_at.parent) != caller) {
        return NULL;
    }
    return node;
}

typedef PyObject *(*timedfunc)(PyObject *, PyObject *, PyObject *, Tally *, PyObject *const *,
                               size_t, PyObject *);

/* Make an ordinary call, with all it needs held meanwhile. */
static inline PyObject *
held(timedfunc call, PyObject *function, PyObject *cursor, PyObject *node, PyObject *const *args,
     size_t nargsf, PyObject *kwnames)
{
    if (Py_EnterRecursiveCall(" in a hot call")) {
        return NULL;
    }
    PyObject *caller = Py_NewRef(get(cursor, cursor_at.node));
    Py_INCREF(function);
    Py_INCREF(cursor);
    Py_INCREF(node);
    PyObject *result = call(function, cursor, caller, (Tally *)node, args, nargsf, kwnames);
    Py_DECREF(node);
    Py_DECREF(cursor);
    Py_DECREF(function);
    Py_DECREF(caller);
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *
quick(PyObject *function, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *cursor = own_cursor;
    PyObject *node = cursor == NULL ? NULL : ordinary(function, cursor);
    if (node == NULL) {
        return body(function, args, nargsf, kwnames);
    }
    return held(timed, function, cursor, node, args, nargsf, kwnames);
}

static PyObject *
quick_attaching(PyObject *function, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *cursor = own_cursor;
    PyObject *node = cursor == NULL ? NULL : ordinary(function, cursor);
    if (node == NULL || get(node, node_at.context) == NULL ||
        get(node, node_at.base) != get(cursor, cursor_at.context)) {
        return body(function, args, nargsf, kwnames);
    }
    return held(timed_attaching, function, cursor, node, args, nargsf, kwnames);
}

/* -- Set-up ------------------------------------------------------------------------------------ */

/* Find where a function has a free variable. */
static int
find_cell(PyObject *function, const char *name, Py_ssize_t *found)
{
    if (!PyFunction_Check(function) || PyFunction_GET_CLOSURE(function) == NULL) {
        PyErr_SetString(PyExc_TypeError, "not a function with free variables");
        return -1;
    }
    PyObject *names = PyObject_GetAttrString(PyFunction_GET_CODE(function), "co_freevars");
    if (names == NULL) {
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(names), at = 0;
    while (at < count &&
           PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, at), name) != 0) {
        at++;
    }
    Py_DECREF(names);
    if (at == count) {
        PyErr_Format(PyExc_ValueError, "the function has no free variable %s", name);
        return -1;
    }
    *found = at;
    return 0;
}

static PyObject *
quicken(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *function, *run = Py_None;
    if (!PyArg_ParseTuple(args, "O|O:quicken", &function, &run)) {
        return NULL;
    }
    if (node_type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare was not called");
        return NULL;
    }
    int attaches = run != Py_None;
    if (find_cell(function, "monotonic_ns", &cell_at.clock) < 0 ||
        find_cell(function, "name", &cell_at.name) < 0 ||
        find_cell(function, "target", &cell_at.target) < 0 ||
        (attaches && find_cell(run, "function", &attaching_function_at) < 0)) {
        return NULL;
    }
    if (body == NULL) {
        body = ((PyFunctionObject *)function)->vectorcall;
    }
    PyFunction_SetVectorcall((PyFunctionObject *)function, attaches ? quick_attaching : quick);
    Py_RETURN_NONE;
}

static int
find_slot(PyObject *type, const char *name, Py_ssize_t *offset)
{
    PyObject *descriptor = PyObject_GetAttrString(type, name);
    if (descriptor == NULL) {
        return -1;
    }
    int is_slot = Py_IS_TYPE(descriptor, &PyMemberDescr_Type);
    if (is_slot) {
        *offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    }
    else {
        PyErr_Format(PyExc_TypeError, "%s is not a slot", name);
    }
    Py_DECREF(descriptor);
    return is_slot ? 0 : -1;
}

static PyObject *
prepare(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *cursor, *node, *variable, *clock;
    if (!PyArg_ParseTuple(args, "OO!O!O:prepare", &cursor, &PyType_Type, &node,
                          &PyContextVar_Type, &variable, &clock)) {
        return NULL;
    }
    if (!PyType_IsSubtype((PyTypeObject *)node, &tally_type)) {
        PyErr_SetString(PyExc_TypeError, "nodes are no tallies");
        return NULL;
    }
    struct {
        PyObject *type;
        const char *name;
        Py_ssize_t *offset;
    } slots[] = {
        {cursor, "context", &cursor_at.context},
        {cursor, "node", &cursor_at.node},
        {node, "base", &node_at.base},
        {node, "children", &node_at.children},
        {node, "context", &node_at.context},
        {node, "parent", &node_at.parent},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(slots); i++) {
        if (find_slot(slots[i].type, slots[i].name, slots[i].offset) < 0) {
            return NULL;
        }
    }
    Py_XSETREF(node_type, (PyTypeObject *)Py_NewRef(node));
    Py_XSETREF(context_variable, Py_NewRef(variable));
    Py_XSETREF(perf_counter_ns, Py_NewRef(clock));
    Py_RETURN_NONE;
}

static const char *OWNER = "rbtrace.cursor";

/* The thread state is being cleared, or the thread has another cursor. */
static void
disown(PyObject *capsule)
{
    PyObject *cursor = PyCapsule_GetPointer(capsule, OWNER);
    if (own_cursor == cursor) {
        own_cursor = NULL;
    }
    Py_XDECREF(cursor);
}

static PyObject *
set_cursor(PyObject *Py_UNUSED(module), PyObject *cursor)
{
    PyObject *of_thread = PyThreadState_GetDict();
    if (of_thread == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *owner = PyCapsule_New(cursor, OWNER, disown);
    if (owner == NULL) {
        return NULL;
    }
    Py_INCREF(cursor);
    int failed = PyDict_SetItemString(of_thread, OWNER, owner) < 0;
    Py_DECREF(owner);
    if (failed) {
        return NULL;
    }
    own_cursor = cursor;
    Py_RETURN_NONE;
}

static PyObject *
now_ns(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLongLong(monotonic_ns());
}

static PyObject *
is_quick(PyObject *Py_UNUSED(module), PyObject *function)
{
    vectorcallfunc how =
        PyFunction_Check(function) ? ((PyFunctionObject *)function)->vectorcall : NULL;
    return PyBool_FromLong(how == quick || how == quick_attaching);
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS,
     "prepare(Place, Node, variable, perf_counter_ns): what the calls will meet."},
    {"quicken", quicken, METH_VARARGS,
     "quicken(call, run=None): from now on call it without the interpreter; `run` is its target if "
     "that makes the summary the current span."},
    {"is_quick", is_quick, METH_O, "is_quick(call): whether it was quickened."},
    {"hand_on_defaults", hand_on_defaults, METH_O,
     "hand_on_defaults(wrapper): defaults it gets go to its `__wrapped__`; False if they cannot."},
    {"edges", edges, METH_O, "edges(buckets): the edges of the occupied ones; how many are below."},
    {"set_cursor", set_cursor, METH_O,
     "set_cursor(cursor): this is the cursor of the calling thread now."},
    {"now_ns", now_ns, METH_NOARGS, "now_ns(): the clock of quick calls, ns."},
    {NULL, NULL, 0, NULL},
};

static int
start(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "serves the main interpreter only");
        return -1;
    }
    return PyModule_AddType(module, &tally_type) < 0 ? -1 : add_depth(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, start},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_fasthot",
    .m_doc = "Ordinary hot calls without the interpreter.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__fasthot(void)
{
    return PyModuleDef_Init(&definition);
}
