/* The ordinary hot call of `rbtrace.recording.hot.aggregated`, without the interpreter, and what
   counts calls, the base of `rbtrace.recording.calltree.Node`: see `rbtrace.recording.tally`.

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

#define SIGNIFICANT_BITS 4
#define PER_OCTAVE (1 << (SIGNIFICANT_BITS - 1))
#define LONGEST_BITS 52 /* 52 days; a longer call is counted among those */
#define BUCKETS ((LONGEST_BITS - SIGNIFICANT_BITS + 2) * PER_OCTAVE)

/* Counts the calls of a node. What any thread reads is consistent, since it holds the GIL. */
typedef struct {
    PyObject_HEAD
    long long started, ended, errors, floor;
    long long calls, total, shortest, longest;
    long long counts[BUCKETS];
} Tally;

/* Offsets of the slots of a place and of a node. */
static struct {
    Py_ssize_t context, node;
} place_at;
static struct {
    Py_ssize_t children, parent;
} node_at;

/* Where `call` has its free variables. */
static struct {
    Py_ssize_t clock, name, target;
} cell_at;

static PyTypeObject *node_type;
static PyObject *context_variable; /* of OpenTelemetry */
static PyObject *perf_counter_ns;
static vectorcallfunc body; /* how a Python function is called ordinarily */
static PyObject *keep;

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

static inline int
bucket_of(unsigned long long duration)
{
    int length = duration == 0 ? 0 : 64 - __builtin_clzll(duration);
    int shift = length > SIGNIFICANT_BITS ? length - SIGNIFICANT_BITS : 0;
    return shift * PER_OCTAVE + (int)(duration >> shift);
}

/* Let the node keep a slow call. */
static int
keep_slow(Tally *node, long long start, long long duration)
{
    PyObject *args[] = {
        (PyObject *)node, PyLong_FromLongLong(duration), PyLong_FromLongLong(start)};
    PyObject *result = args[1] == NULL || args[2] == NULL
                           ? NULL
                           : PyObject_VectorcallMethod(keep, args, 3, NULL);
    Py_XDECREF(args[1]);
    Py_XDECREF(args[2]);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Count a call that has ended; keep it if it was slow. */
static inline int
count(Tally *tally, long long start, long long duration)
{
    long long counted = duration < 0 ? 0 : duration;
    counted = counted >> LONGEST_BITS ? (1LL << LONGEST_BITS) - 1 : counted;
    tally->counts[bucket_of((unsigned long long)counted)]++;
    tally->total += duration;
    tally->shortest = tally->calls == 0 || duration < tally->shortest ? duration : tally->shortest;
    tally->longest = duration > tally->longest ? duration : tally->longest;
    tally->calls++;
    return duration > tally->floor ? keep_slow(tally, start, duration) : 0;
}

/* The call in progress has ended. */
static inline int
end_call(Tally *tally, long long end)
{
    long long start = tally->started;
    tally->started = 0;
    tally->ended = end;
    return count(tally, start, end - start);
}

/* Leave the node and note the call. Takes the reference to `result`, gives it or NULL. */
static PyObject *
leave(PyObject *place, PyObject *caller, Tally *node, PyObject *clock, PyObject *result)
{
    PyObject *raised = result == NULL ? PyErr_GetRaisedException() : NULL;
    long long end = read_clock(clock);
    int failed = end < 0 && PyErr_Occurred();
    put(place, place_at.node, Py_NewRef(caller));
    if (failed) {
        node->started = 0;
    }
    else {
        node->errors += raised != NULL;
        failed = end_call(node, end) < 0;
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

/* Call the target as a call of this node. */
static PyObject *
timed(PyObject *function, PyObject *place, PyObject *caller, Tally *node, PyObject *const *args,
      size_t nargsf, PyObject *kwnames)
{
    PyObject *clock = free_variable(function, cell_at.clock);
    PyObject *target = free_variable(function, cell_at.target);
    put(place, place_at.node, Py_NewRef((PyObject *)node));
    long long start = read_clock(clock);
    if (start < 0 && PyErr_Occurred()) {
        put(place, place_at.node, Py_NewRef(caller));
        return NULL;
    }
    node->started = start;
    PyObject *result = PyObject_Vectorcall(target, args, nargsf, kwnames);
    return leave(place, caller, node, clock, result);
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
    PyObject *result = timed(function, place, caller, (Tally *)node, args, nargsf, kwnames);
    Py_DECREF(node);
    Py_DECREF(place);
    Py_DECREF(function);
    Py_DECREF(caller);
    Py_LeaveRecursiveCall();
    return result;
}

/* -- Counting ---------------------------------------------------------------------------------- */

/* The greatest duration in a bucket. */
static inline long long
upper_of(int bucket)
{
    int shift = bucket < 2 * PER_OCTAVE ? 0 : bucket / PER_OCTAVE - 1;
    return ((long long)(bucket - shift * PER_OCTAVE + 1) << shift) - 1;
}

static PyObject *
note(PyObject *tally, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "note takes a duration and a start");
        return NULL;
    }
    long long duration = PyLong_AsLongLong(args[0]);
    long long start = PyLong_AsLongLong(args[1]);
    if (PyErr_Occurred() || count((Tally *)tally, start, duration) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
end(PyObject *tally, PyObject *now)
{
    long long number = PyLong_AsLongLong(now);
    if ((number == -1 && PyErr_Occurred()) || end_call((Tally *)tally, number) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
counts_of(const long long *counts)
{
    PyObject *found = PyDict_New();
    for (int bucket = 0; found != NULL && bucket < BUCKETS; bucket++) {
        if (counts[bucket] == 0) {
            continue;
        }
        PyObject *upper = PyLong_FromLongLong(upper_of(bucket));
        PyObject *number = PyLong_FromLongLong(counts[bucket]);
        if (upper == NULL || number == NULL || PyDict_SetItem(found, upper, number) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(upper);
        Py_XDECREF(number);
    }
    return found;
}

static PyObject *
counted(PyObject *self, PyObject *Py_UNUSED(none))
{
    Tally *tally = (Tally *)self;
    PyObject *buckets = counts_of(tally->counts);
    long long shortest = tally->calls == 0 ? -1 : tally->shortest;
    return buckets == NULL ? NULL
                           : Py_BuildValue("LLLLN", tally->calls, tally->total, shortest,
                                           tally->longest, buckets);
}

static PyMemberDef tally_members[] = {
    {"started", T_LONGLONG, offsetof(Tally, started), 0, NULL},
    {"ended", T_LONGLONG, offsetof(Tally, ended), 0, NULL},
    {"errors", T_LONGLONG, offsetof(Tally, errors), 0, NULL},
    {"floor", T_LONGLONG, offsetof(Tally, floor), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef tally_methods[] = {
    {"end", end, METH_O, "end(now): the call in progress has ended; note it."},
    {"note", (PyCFunction)(void (*)(void))note, METH_FASTCALL,
     "note(duration, start): count a call that has ended, ns; keep it if it was slow."},
    {"counted", counted, METH_NOARGS,
     "counted(): calls, total, shortest, longest, and how many are in each bucket."},
    {NULL, NULL, 0, NULL},
};

static int
begin_tally(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (!PyArg_ParseTuple(args, ":Tally") || (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)) {
        return -1;
    }
    ((Tally *)self)->floor = -1;
    return 0;
}

static PyTypeObject tally_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "rbtrace.recording._fasthot.Tally",
    .tp_doc = "Counts the calls of a node, and has the one in progress.",
    .tp_basicsize = sizeof(Tally),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = begin_tally,
    .tp_members = tally_members,
    .tp_methods = tally_methods,
};

/* Append an edge in seconds, and how many are up to it. */
static int
append_edge(PyObject *bounds, PyObject *cumulative, long long edge, long long reached)
{
    PyObject *bound = PyFloat_FromDouble((double)edge / 1e9);
    PyObject *number = PyLong_FromLongLong(reached);
    int failed = bound == NULL || number == NULL || PyList_Append(bounds, bound) < 0 ||
                 PyList_Append(cumulative, number) < 0;
    Py_XDECREF(bound);
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

/* How many are in each bucket, from a dictionary by the greatest duration in it. */
static int
read_counts(PyObject *buckets, long long *counts)
{
    PyObject *upper, *number;
    Py_ssize_t position = 0;
    while (PyDict_Next(buckets, &position, &upper, &number)) {
        long long greatest = PyLong_AsLongLong(upper);
        if (greatest < 0 || greatest >> LONGEST_BITS) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_OverflowError, "not a bucket that is known here");
            }
            return -1;
        }
        counts[bucket_of((unsigned long long)greatest)] = PyLong_AsLongLong(number);
        if (PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
edges(PyObject *Py_UNUSED(module), PyObject *buckets)
{
    if (!PyDict_Check(buckets)) {
        PyErr_SetString(PyExc_TypeError, "not a dictionary of buckets");
        return NULL;
    }
    long long counts[BUCKETS] = {0};
    if (read_counts(buckets, counts) < 0) {
        return NULL;
    }
    PyObject *bounds = PyList_New(0), *cumulative = PyList_New(0);
    int failed = bounds == NULL || cumulative == NULL;
    long long reached = 0;
    for (int bucket = 0; !failed && bucket < BUCKETS; bucket++) {
        if (counts[bucket] == 0) {
            continue;
        }
        if (bucket > 0 && counts[bucket - 1] == 0) {
            failed = append_edge(bounds, cumulative, upper_of(bucket - 1), reached) < 0;
        }
        reached += counts[bucket];
        failed = failed || append_edge(bounds, cumulative, upper_of(bucket), reached) < 0;
    }
    if (failed) {
        Py_XDECREF(bounds);
        Py_XDECREF(cumulative);
        return NULL;
    }
    return Py_BuildValue("NN", bounds, cumulative);
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
    if (!PyArg_ParseTuple(args, "OO!O!O:prepare", &place, &PyType_Type, &node,
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
        {place, "context", &place_at.context},
        {place, "node", &place_at.node},
        {node, "children", &node_at.children},
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
     "prepare(Place, Node, variable, perf_counter_ns): what the calls will meet."},
    {"quicken", quicken, METH_O, "quicken(call): from now on call it without the interpreter."},
    {"is_quick", is_quick, METH_O, "is_quick(call): whether it was quickened."},
    {"edges", edges, METH_O, "edges(buckets): the edges of the occupied ones; how many are below."},
    {"stand", stand, METH_O, "stand(place): this is the place of the calling thread now."},
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
    keep = PyUnicode_InternFromString("keep");
    return keep == NULL || PyModule_AddType(module, &tally_type) < 0 ? -1 : 0;
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
