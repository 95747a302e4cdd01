/* What rbtrace asks of Linux in somebody else's process and Python does not offer, see
   `rbtrace.system`.

   Files are opened, checked, written and closed without the interpreter in between: another thread
   of the program may close descriptors it does not know of, and open files of its own under their
   numbers. A descriptor that lives for microseconds is not met by that.

   A signal that would end the process is held up until what was recorded is written. Only C can do
   so without the program noticing: `signal.getsignal` and `signal.set_wakeup_fd` are as they were. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef __linux__
#error "uses timers, semaphores and signals as Linux has them"
#endif

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* -- Files ------------------------------------------------------------------------------------- */

enum how { CREATE, APPEND, REPLACE };

/* The same open file under a number the program does not count on: it may have closed the low ones,
   and opens files of its own under them. */
static int
with_high_number(int descriptor)
{
    int high = fcntl(descriptor, F_DUPFD_CLOEXEC, 200);
    if (high < 0) {
        return descriptor;
    }
    close(descriptor);
    return high;
}

static int
write_whole(int descriptor, const char *content, Py_ssize_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, content, size);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno;
        }
        content += written;
        size -= written;
    }
    return 0;
}

/* Write to an open file; the error number if that fails. A file is left as it was, or not at all. */
static int
fill(int descriptor, const char *path, enum how how, const Py_buffer *content,
     const struct stat *before)
{
    if (how == CREATE && fchmod(descriptor, 0600) < 0) { /* whatever the umask is */
        return errno;
    }
    int error = write_whole(descriptor, content->buf, content->len);
    if (how == REPLACE && error == 0 && ftruncate(descriptor, content->len) < 0) {
        error = errno;
    }
    if (how == APPEND && error != 0 && ftruncate(descriptor, before->st_size) < 0) {
        return errno;
    }
    if (how == CREATE && error != 0) {
        unlink(path);
    }
    return error;
}

static const int flags_of[] = {
    [CREATE] = O_CREAT | O_EXCL,
    [APPEND] = O_APPEND | O_NONBLOCK,
    [REPLACE] = O_NONBLOCK,
};

/* Open, check, write, close; the error number if that fails. */
static int
put_file(const char *path, enum how how, const Py_buffer *content, struct stat *file,
         unsigned long long device, unsigned long long inode)
{
    int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | flags_of[how];
    int descriptor = open(path, flags, 0600);
    if (descriptor < 0) {
        return errno;
    }
    descriptor = with_high_number(descriptor);
    int error = 0;
    if (fstat(descriptor, file) < 0) {
        error = errno;
    }
    else if (!S_ISREG(file->st_mode) ||
             (inode != 0 && (file->st_dev != device || file->st_ino != inode))) {
        error = ESTALE;
    }
    else {
        error = fill(descriptor, path, how, content, file);
    }
    close(descriptor);
    return error;
}

static PyObject *
put(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *path;
    Py_buffer content;
    int how;
    unsigned long long device, inode;
    if (!PyArg_ParseTuple(args, "O&iy*KK:put", PyUnicode_FSConverter, &path, &how, &content,
                          &device, &inode)) {
        return NULL;
    }
    struct stat file;
    int error;
    if (how < CREATE || how > REPLACE) {
        error = EINVAL;
    }
    else {
        Py_BEGIN_ALLOW_THREADS
        error = put_file(PyBytes_AS_STRING(path), how, &content, &file, device, inode);
        Py_END_ALLOW_THREADS
    }
    PyObject *result = NULL;
    if (error == 0) {
        result = Py_BuildValue("KK", (unsigned long long)file.st_dev,
                               (unsigned long long)file.st_ino);
    }
    else {
        PyObject *name = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path));
        errno = error;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
        Py_XDECREF(name);
    }
    PyBuffer_Release(&content);
    Py_DECREF(path);
    return result;
}

/* -- Sockets ----------------------------------------------------------------------------------- */

/* No thread of the program runs Python meanwhile: it never sees the low number. */
static PyObject *
open_socket(PyObject *Py_UNUSED(module), PyObject *args)
{
    int family, type, protocol;
    if (!PyArg_ParseTuple(args, "iii:open_socket", &family, &type, &protocol)) {
        return NULL;
    }
    int descriptor = socket(family, type | SOCK_CLOEXEC, protocol);
    if (descriptor < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(with_high_number(descriptor));
}

/* -- Waking the flush thread ------------------------------------------------------------------- */

static sem_t wakeups;

static PyObject *
wake(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    sem_post(&wakeups);
    Py_RETURN_NONE;
}

static PyObject *
wait(PyObject *Py_UNUSED(module), PyObject *seconds)
{
    double timeout = PyFloat_AsDouble(seconds);
    if (timeout == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    timeout = timeout < 0.0 ? 0.0 : timeout > 1e6 ? 1e6 : timeout;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long long nanoseconds = until.tv_nsec + (long long)(timeout * 1e9);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    do {
        failed = sem_clockwait(&wakeups, CLOCK_MONOTONIC, &until);
    } while (failed && errno == EINTR);
    while (sem_trywait(&wakeups) == 0) { /* one look does for all who called */
    }
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(!failed);
}

/* -- Signals that end the process -------------------------------------------------------------- */

static const int numbers[] = {SIGTERM, SIGHUP};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static volatile sig_atomic_t arrived; /* the number of the signal, 0 if none has come */
static volatile sig_atomic_t holder;  /* the pid that holds signals up */
static struct {
    pid_t owner; /* timers are not inherited over a fork */
    timer_t timer;
} last_resort[NUMBERS];
static struct itimerspec patience;

static _Thread_local int sections; /* of this thread that are not to be interrupted */

/* Run no more of the program in this thread: the process is about to end. */
static void
stand_still(void)
{
    Py_BEGIN_ALLOW_THREADS
    for (;;) {
        pause();
    }
    Py_END_ALLOW_THREADS
}

static int
stop_program(void *Py_UNUSED(nothing))
{
    if (sections == 0 && arrived) {
        stand_still();
    }
    return 0;
}

/* Adding a pending call here may wait for a lock that the interrupted thread holds, for ever; but
   SA_RESETHAND has put the default action back: whatever goes wrong from here, the next signal,
   the user's or the timer's, ends the process. */
static void
on_signal(int number)
{
    int saved = errno;
    if (getpid() != holder) { /* a fork that Python has not been told of yet */
        kill(getpid(), number);
    }
    else {
        for (size_t i = 0; i < NUMBERS; i++) {
            if (numbers[i] == number) {
                timer_settime(last_resort[i].timer, 0, &patience, NULL);
            }
        }
        arrived = number;
        sem_post(&wakeups);
        Py_AddPendingCall(stop_program, NULL);
    }
    errno = saved;
}

static int
has_timer(size_t i)
{
    if (last_resort[i].owner == getpid()) {
        return 1;
    }
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = numbers[i]};
    if (timer_create(CLOCK_MONOTONIC, &event, &last_resort[i].timer) < 0) {
        return 0;
    }
    last_resort[i].owner = getpid();
    return 1;
}

static PyObject *
hold(PyObject *Py_UNUSED(module), PyObject *seconds)
{
    double timeout = PyFloat_AsDouble(seconds);
    if (timeout == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    patience.it_value.tv_sec = (time_t)timeout;
    patience.it_value.tv_nsec = (long)((timeout - (double)patience.it_value.tv_sec) * 1e9);
    holder = getpid();
    for (size_t i = 0; i < NUMBERS; i++) {
        struct sigaction present;
        if (sigaction(numbers[i], NULL, &present) < 0 || present.sa_handler != SIG_DFL ||
            !has_timer(i)) {
            continue; /* the program's own business */
        }
        struct sigaction ours = {.sa_handler = on_signal,
                                 .sa_flags = SA_RESTART | SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
        sigemptyset(&ours.sa_mask);
        sigaction(numbers[i], &ours, NULL);
    }
    Py_RETURN_NONE;
}

static PyObject *
release(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    for (size_t i = 0; i < NUMBERS; i++) {
        struct sigaction present;
        if (sigaction(numbers[i], NULL, &present) == 0 && present.sa_handler == on_signal) {
            signal(numbers[i], SIG_DFL);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
arrived_signal(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(holder == getpid() ? arrived : 0);
}

static PyObject *
enter(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    sections++;
    Py_RETURN_NONE;
}

static PyObject *
leave(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    sections--;
    if (sections == 0 && arrived && holder == getpid()) {
        stand_still();
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"put", put, METH_VARARGS,
     "put(path, how, content, device, inode): create, append to or replace a regular file."},
    {"open_socket", open_socket, METH_VARARGS,
     "open_socket(family, type, protocol): the number of a new socket, which is a high one."},
    {"wake", wake, METH_NOARGS, "wake(): let `wait` return."},
    {"wait", wait, METH_O, "wait(seconds): wait so long for a `wake`; whether there was one."},
    {"hold", hold, METH_O,
     "hold(seconds): hold up what would end the process, so long at most after it has come."},
    {"release", release, METH_NOARGS, "release(): hold up signals no longer."},
    {"arrived", arrived_signal, METH_NOARGS, "arrived(): the signal that was held up, 0 if none."},
    {"enter", enter, METH_NOARGS, "enter(): this thread is not to be stopped until `leave`."},
    {"leave", leave, METH_NOARGS,
     "leave(): the counterpart of `enter`; stops for good if a signal was held up meanwhile."},
    {NULL, NULL, 0, NULL},
};

static int
start(PyObject *Py_UNUSED(module))
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "serves the main interpreter only");
        return -1;
    }
    if (sem_init(&wakeups, 0, 0) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, start},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_system",
    .m_doc = "What rbtrace asks of Linux and Python does not offer.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__system(void)
{
    return PyModuleDef_Init(&definition);
}
