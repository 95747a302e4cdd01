/* The ordinary hot call of `rbtrace.recording.hot.aggregated`, without the interpreter, and the
   counting of durations of `rbtrace.recording.histogram`.

   The Python function `call` made there stays the definition: `quicken` only changes how it is
   called. What is not ordinary (no place, another context, a recursion, an alias, the first call of
   a name) goes to its body, so both may take turns on the same places and nodes at any time.

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

/* Offsets of the slots of a place and of a node. */
static struct {
    Py_ssize_t context, node;
} place_at;
static struct {
    Py_ssize_t children, ended, errors, floor, operation, parent, pending, started, tree;
} node_at;

/* Where `call` has its free variables. */
static struct {
    Py_ssize_t clock, name, target;
} cell_at;

static PyTypeObject *node_type;
static PyObject *context_variable; /* of OpenTelemetry */
static PyObject *perf_counter_ns;
static Py_ssize_t fold_at;
static vectorcallfunc body; /* how a Python function is called ordinarily */
static PyObject *zero, *one, *keep, *fold_later, *fold_due, *due;

static _Thread_local PyObject *here; /* the place of this thread; owned by its thread state */

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

static int
call_method(PyObject *object, PyObject *name)
{
    PyObject *result = PyObject_CallMethodNoArgs(object, name);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int
keep_slow(PyObject *node, PyObject *duration, PyObject *start)
{
    PyObject *args[] = {node, duration, start};
    PyObject *result =
        PyObject_VectorcallMethod(keep, args, 3, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Note a call that has ended. */
static int
note(PyObject *node, long long start, long long duration)
{
    PyObject *number = PyLong_FromLongLong(duration);
    if (number == NULL || PyList_Append(get(node, node_at.pending), number) < 0) {
        Py_XDECREF(number);
        return -1;
    }
    int failed = 0;
    if (duration > PyLong_AsLongLong(get(node, node_at.floor))) {
        PyObject *started = PyLong_FromLongLong(start);
        failed = started == NULL || keep_slow(node, number, started) < 0;
        Py_XDECREF(started);
    }
    Py_DECREF(number);
    if (!failed && PyList_GET_SIZE(get(node, node_at.pending)) >= fold_at) {
        failed = call_method(node, fold_later) < 0;
    }
    return failed ? -1 : 0;
}

/* Fold what is due, if no hot call is being timed any more. */
static int
fold(PyObject *caller)
{
    if (get(caller, node_at.operation) != Py_None) {
        return 0;
    }
    PyObject *tree = get(caller, node_at.tree);
    PyObject *waiting = PyObject_GetAttr(tree, due);
    if (waiting == NULL) {
        return -1;
    }
    int any = PyObject_IsTrue(waiting);
    Py_DECREF(waiting);
    return any > 0 ? call_method(tree, fold_due) : any;
}

/* Note a call that has raised. What fails here gives way to what it raised. */
static void
note_error(PyObject *node, long long start, long long duration)
{
    PyObject *errors = PyNumber_Add(get(node, node_at.errors), one);
    if (errors != NULL) {
        put(node, node_at.errors, errors);
        note(node, start, duration);
    }
    PyErr_Clear();
}

/* Leave the node and note the call. Takes the reference to `result`, gives it or NULL. */
static PyObject *
leave(PyObject *place, PyObject *caller, PyObject *node, PyObject *clock, long long start,
      PyObject *result)
{
    PyObject *raised = result == NULL ? PyErr_GetRaisedException() : NULL;
    long long end = read_clock(clock);
    PyObject *ended = end < 0 && PyErr_Occurred() ? NULL : PyLong_FromLongLong(end);
    put(place, place_at.node, Py_NewRef(caller));
    put(node, node_at.started, Py_NewRef(zero));
    if (ended != NULL) {
        put(node, node_at.ended, ended);
    }
    if (raised != NULL) {
        PyErr_Clear();
        note_error(node, start, end - start);
        PyErr_SetRaisedException(raised);
        return NULL;
    }
    if (ended == NULL || note(node, start, end - start) < 0 || fold(caller) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

/* Call the target as a call of this node. */
static PyObject *
timed(PyObject *function, PyObject *place, PyObject *caller, PyObject *node, PyObject *const *args,
      size_t nargsf, PyObject *kwnames)
{
    PyObject *clock = free_variable(function, cell_at.clock);
    PyObject *target = free_variable(function, cell_at.target);
    put(place, place_at.node, Py_NewRef(node));
    long long start = read_clock(clock);
    PyObject *started = start < 0 && PyErr_Occurred() ? NULL : PyLong_FromLongLong(start);
    if (started == NULL) {
        put(place, place_at.node, Py_NewRef(caller));
        return NULL;
    }
    put(node, node_at.started, started);
    PyObject *result = PyObject_Vectorcall(target, args, nargsf, kwnames);
    return leave(place, caller, node, clock, start, result);
}

/* The node of an ordinary call, borrowed; NULL (no exception set) if this is not one. */
static PyObject *
ordinary(PyObject *function, PyObject *place)
{
    PyObject *caller = get(place, place_at.node);
    if (caller == NULL || !Py_IS_TYPE(caller, node_type)) {
        return NULL;
    }
    PyObject *context;
    if (PyContextVar_Get(context_variable, NULL, &context) < 0) {
        PyErr_Clear();
        return NULL;
    }
    int same = context == get(place, place_at.context);
    Py_XDECREF(context); /* if it is the same, the place holds it */
    if (!same || get(caller, node_at.started) == zero) {
        return NULL;
    }
    PyObject *children = get(caller, node_at.children);
    PyObject *name = free_variable(function, cell_at.name);
    PyObject *node = PyDict_GetItemWithError(children, name);
    if (node == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (!Py_IS_TYPE(node, node_type) || get(node, node_at.started) != zero ||
        get(node, node_at.parent) != caller) {
        return NULL;
    }
    return node;
}

static PyObject *
quick(PyObject *function, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *place = here;
    PyObject *node = place == NULL ? NULL : ordinary(function, place);
    if (node == NULL) {
        return body(function, args, nargsf, kwnames);
    }
    if (Py_EnterRecursiveCall(" in a hot call")) {
        return NULL;
    }
    PyObject *caller = Py_NewRef(get(place, place_at.node));
    Py_INCREF(function);
    Py_INCREF(place);
    Py_INCREF(node);
    PyObject *result = timed(function, place, caller, node, args, nargsf, kwnames);
    Py_DECREF(node);
    Py_DECREF(place);
    Py_DECREF(function);
    Py_DECREF(caller);
    Py_LeaveRecursiveCall();
    return result;
}

/* -- Counting ---------------------------------------------------------------------------------- */

#define SIGNIFICANT_BITS 4
#define PER_OCTAVE (1 << (SIGNIFICANT_BITS - 1))
#define LONGEST_BITS 47 /* 39 hours; that many calls of it as memory can hold have a 64-bit sum */
#define BUCKETS ((LONGEST_BITS - SIGNIFICANT_BITS + 2) * PER_OCTAVE)

static inline int
bucket_of(unsigned long long duration)
{
    int length = duration == 0 ? 0 : 64 - __builtin_clzll(duration);
    int shift = length > SIGNIFICANT_BITS ? length - SIGNIFICANT_BITS : 0;
    return shift * PER_OCTAVE + (int)(duration >> shift);
}

/* The greatest duration in a bucket. */
static inline long long
upper_of(int bucket)
{
    int shift = bucket < 2 * PER_OCTAVE ? 0 : bucket / PER_OCTAVE - 1;
    return ((long long)(bucket - shift * PER_OCTAVE + 1) << shift) - 1;
}

static PyObject *
counts_of(const Py_ssize_t *counts)
{
    PyObject *found = PyDict_New();
    for (int bucket = 0; found != NULL && bucket < BUCKETS; bucket++) {
        if (counts[bucket] == 0) {
            continue;
        }
        PyObject *upper = PyLong_FromLongLong(upper_of(bucket));
        PyObject *count = PyLong_FromSsize_t(counts[bucket]);
        if (upper == NULL || count == NULL || PyDict_SetItem(found, upper, count) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(upper);
        Py_XDECREF(count);
    }
    return found;
}

static PyObject *
counted(PyObject *Py_UNUSED(module), PyObject *durations)
{
    if (!PyList_Check(durations) || PyList_GET_SIZE(durations) == 0) {
        PyErr_SetString(PyExc_TypeError, "not a list of durations");
        return NULL;
    }
    Py_ssize_t counts[BUCKETS] = {0};
    long long total = 0, shortest = LLONG_MAX, longest = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(durations); i++) {
        long long duration = PyLong_AsLongLong(PyList_GET_ITEM(durations, i));
        if (duration < 0 || duration >> LONGEST_BITS) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_OverflowError, "not a duration that is counted here");
            }
            return NULL;
        }
        counts[bucket_of((unsigned long long)duration)]++;
        total += duration;
        shortest = duration < shortest ? duration : shortest;
        longest = duration > longest ? duration : longest;
    }
    PyObject *found = counts_of(counts);
    return found == NULL ? NULL : Py_BuildValue("LLLN", total, shortest, longest, found);
}

/* -- Set-up ------------------------------------------------------------------------------------ */

static int
find_cell(PyObject *names, const char *name, Py_ssize_t *found)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), name) == 0) {
            *found = i;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "the function has no free variable %s", name);
    return -1;
}

static PyObject *
quicken(PyObject *Py_UNUSED(module), PyObject *function)
{
    if (!PyFunction_Check(function) || PyFunction_GET_CLOSURE(function) == NULL) {
        PyErr_SetString(PyExc_TypeError, "not a function with free variables");
        return NULL;
    }
    if (node_type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "prepare was not called");
        return NULL;
    }
    PyObject *names = PyObject_GetAttrString(PyFunction_GET_CODE(function), "co_freevars");
    if (names == NULL) {
        return NULL;
    }
    int failed = find_cell(names, "monotonic_ns", &cell_at.clock) < 0 ||
                 find_cell(names, "name", &cell_at.name) < 0 ||
                 find_cell(names, "target", &cell_at.target) < 0;
    Py_DECREF(names);
    if (failed) {
        return NULL;
    }
    if (body == NULL) {
        body = ((PyFunctionObject *)function)->vectorcall;
    }
    PyFunction_SetVectorcall((PyFunctionObject *)function, quick);
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
    PyObject *place, *node, *variable, *clock;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "OO!O!On:prepare", &place, &PyType_Type, &node,
                          &PyContextVar_Type, &variable, &clock, &limit)) {
        return NULL;
    }
    struct {
        PyObject *type;
        const char *name;
        Py_ssize_t *offset;
    } slots[] = {
        {place, "context", &place_at.context}, {place, "node", &place_at.node},
        {node, "children", &node_at.children}, {node, "ended", &node_at.ended},
        {node, "errors", &node_at.errors},     {node, "floor", &node_at.floor},
        {node, "operation", &node_at.operation}, {node, "parent", &node_at.parent},
        {node, "pending", &node_at.pending},   {node, "started", &node_at.started},
        {node, "tree", &node_at.tree},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(slots); i++) {
        if (find_slot(slots[i].type, slots[i].name, slots[i].offset) < 0) {
            return NULL;
        }
    }
    Py_XSETREF(node_type, (PyTypeObject *)Py_NewRef(node));
    Py_XSETREF(context_variable, Py_NewRef(variable));
    Py_XSETREF(perf_counter_ns, Py_NewRef(clock));
    fold_at = limit;
    Py_RETURN_NONE;
}

static const char *OWNER = "rbtrace.place";

/* The thread state is being cleared, or the thread has another place. */
static void
disown(PyObject *capsule)
{
    PyObject *place = PyCapsule_GetPointer(capsule, OWNER);
    if (here == place) {
        here = NULL;
    }
    Py_XDECREF(place);
}

static PyObject *
stand(PyObject *Py_UNUSED(module), PyObject *place)
{
    PyObject *of_thread = PyThreadState_GetDict();
    if (of_thread == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *owner = PyCapsule_New(place, OWNER, disown);
    if (owner == NULL) {
        return NULL;
    }
    Py_INCREF(place);
    int failed = PyDict_SetItemString(of_thread, OWNER, owner) < 0;
    Py_DECREF(owner);
    if (failed) {
        return NULL;
    }
    here = place;
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
    return PyBool_FromLong(PyFunction_Check(function) &&
                           ((PyFunctionObject *)function)->vectorcall == quick);
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS,
     "prepare(Place, Node, variable, perf_counter_ns, fold_at): what the calls will meet."},
    {"quicken", quicken, METH_O, "quicken(call): from now on call it without the interpreter."},
    {"is_quick", is_quick, METH_O, "is_quick(call): whether it was quickened."},
    {"counted", counted, METH_O,
     "counted(durations): their sum, the shortest, the longest, and how many are in each bucket."},
    {"stand", stand, METH_O, "stand(place): this is the place of the calling thread now."},
    {"now_ns", now_ns, METH_NOARGS, "now_ns(): the clock of quick calls, ns."},
    {NULL, NULL, 0, NULL},
};

static int
start(PyObject *Py_UNUSED(module))
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "serves the main interpreter only");
        return -1;
    }
    struct {
        PyObject **variable;
        const char *text;
    } names[] = {
        {&keep, "keep"}, {&fold_later, "fold_later"}, {&fold_due, "fold_due"}, {&due, "due"}};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        *names[i].variable = PyUnicode_InternFromString(names[i].text);
        if (*names[i].variable == NULL) {
            return -1;
        }
    }
    zero = PyLong_FromLong(0);
    one = PyLong_FromLong(1);
    return zero == NULL || one == NULL ? -1 : 0;
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
