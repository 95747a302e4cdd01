/* What counts the calls of a node, the base of `rbtrace.recording.hot.calltree.Node`: see
   `rbtrace.recording.hot.tally`, which defines it. Included by `_fasthot.c` only. */

#define SIGNIFICANT_BITS 4
#define PER_OCTAVE (1 << (SIGNIFICANT_BITS - 1))
#define LONGEST_BITS 52 /* 52 days; a longer call is counted among those */
#define BUCKETS ((LONGEST_BITS - SIGNIFICANT_BITS + 2) * PER_OCTAVE)
#define EXEMPLARS 10

typedef struct {
    long long duration, start;
} Call;

/* Counts the calls of a node. What any thread reads is consistent, since it holds the GIL. */
typedef struct {
    PyObject_HEAD
    long long started, ended, errors;
    long long calls, total, shortest, longest;
    long long floor; /* duration above which a call is among the slowest */
    int kept;
    Call slowest[EXEMPLARS];
    long long counts[BUCKETS];
} Tally;

static inline int
bucket_of(unsigned long long duration)
{
    int length = duration == 0 ? 0 : 64 - __builtin_clzll(duration);
    int shift = length > SIGNIFICANT_BITS ? length - SIGNIFICANT_BITS : 0;
    return shift * PER_OCTAVE + (int)(duration >> shift);
}

static inline int
is_before(const Call *one, const Call *other)
{
    return one->duration < other->duration ||
           (one->duration == other->duration && one->start < other->start);
}

static int
fastest_kept(const Tally *tally)
{
    int fastest = 0;
    for (int i = 1; i < tally->kept; i++) {
        fastest = is_before(&tally->slowest[i], &tally->slowest[fastest]) ? i : fastest;
    }
    return fastest;
}

/* Keep a slow call, instead of the fastest of those kept if there are enough. */
static void
keep(Tally *tally, Call call)
{
    int at = tally->kept < EXEMPLARS ? tally->kept++ : fastest_kept(tally);
    tally->slowest[at] = call;
    if (tally->kept == EXEMPLARS) {
        tally->floor = tally->slowest[fastest_kept(tally)].duration;
    }
}

/* Count a call that has ended; keep it if it was slow. */
static inline void
count(Tally *tally, long long start, long long duration)
{
    long long counted = duration < 0 ? 0 : duration;
    counted = counted >> LONGEST_BITS ? (1LL << LONGEST_BITS) - 1 : counted;
    tally->counts[bucket_of((unsigned long long)counted)]++;
    tally->total += duration;
    tally->shortest = tally->calls == 0 || duration < tally->shortest ? duration : tally->shortest;
    tally->longest = duration > tally->longest ? duration : tally->longest;
    tally->calls++;
    if (duration > tally->floor) {
        keep(tally, (Call){duration, start});
    }
}

/* The call in progress has ended. */
static inline void
end_call(Tally *tally, long long end)
{
    long long start = tally->started;
    tally->started = 0;
    tally->ended = end;
    count(tally, start, end - start);
}

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
    if (PyErr_Occurred()) {
        return NULL;
    }
    count((Tally *)tally, start, duration);
    Py_RETURN_NONE;
}

static PyObject *
end(PyObject *tally, PyObject *now)
{
    long long number = PyLong_AsLongLong(now);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    end_call((Tally *)tally, number);
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

static PyObject *
slowest(PyObject *self, PyObject *Py_UNUSED(none))
{
    Tally *tally = (Tally *)self;
    PyObject *calls = PyList_New(tally->kept);
    for (int i = 0; calls != NULL && i < PyList_GET_SIZE(calls); i++) {
        Call *call = &tally->slowest[i];
        PyObject *item = Py_BuildValue("LL", call->duration, call->start);
        if (item == NULL) {
            Py_CLEAR(calls);
        }
        else {
            PyList_SET_ITEM(calls, i, item);
        }
    }
    return calls;
}

static PyMemberDef tally_members[] = {
    {"started", T_LONGLONG, offsetof(Tally, started), 0, NULL},
    {"ended", T_LONGLONG, offsetof(Tally, ended), 0, NULL},
    {"errors", T_LONGLONG, offsetof(Tally, errors), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef tally_methods[] = {
    {"end", end, METH_O, "end(now): the call in progress has ended; note it."},
    {"note", (PyCFunction)(void (*)(void))note, METH_FASTCALL,
     "note(duration, start): count a call that has ended, ns; keep it if it was slow."},
    {"counted", counted, METH_NOARGS,
     "counted(): calls, total, shortest, longest, and how many are in each bucket."},
    {"slowest", slowest, METH_NOARGS, "slowest(): duration and start of the slowest calls."},
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
    .tp_name = "rbtrace.recording.hot._fasthot.Tally",
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
