/* Defaults of a wrapper that the program changes, handed on to the function that has the use of
   them. Included by `_fasthot.c` only. */

static Py_ssize_t wrapper_mark = -1; /* where the code of a wrapper is marked */

static PyObject *
wrapped_in(PyFunctionObject *function)
{
    void *mark = NULL;
    if (PyUnstable_Code_GetExtra(function->func_code, wrapper_mark, &mark) < 0) {
        PyErr_Clear();
    }
    if (mark == NULL || function->func_dict == NULL) {
        return NULL;
    }
    PyObject *wrapped = PyDict_GetItemString(function->func_dict, "__wrapped__");
    return wrapped != NULL && PyFunction_Check(wrapped) ? wrapped : NULL;
}

/* Called by the interpreter before a function is made, changed or gone. */
static int
hand_on(PyFunction_WatchEvent event, PyFunctionObject *function, PyObject *changed)
{
    if (event != PyFunction_EVENT_MODIFY_DEFAULTS && event != PyFunction_EVENT_MODIFY_KWDEFAULTS) {
        return 0;
    }
    PyObject *wrapped = wrapped_in(function);
    if (wrapped == NULL) {
        return 0;
    }
    changed = changed == NULL ? Py_None : changed;
    return event == PyFunction_EVENT_MODIFY_DEFAULTS ? PyFunction_SetDefaults(wrapped, changed)
                                                     : PyFunction_SetKwDefaults(wrapped, changed);
}

static PyObject *
hand_on_defaults(PyObject *Py_UNUSED(module), PyObject *function)
{
    static int watcher = -1;
    if (!PyFunction_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "not a function");
        return NULL;
    }
    if (watcher < 0) {
        wrapper_mark = PyUnstable_Eval_RequestCodeExtraIndex(NULL);
        watcher = wrapper_mark < 0 ? -1 : PyFunction_AddWatcher(hand_on);
        if (watcher < 0) {
            PyErr_Clear(); /* all of the few there are are taken */
            Py_RETURN_FALSE;
        }
    }
    if (PyUnstable_Code_SetExtra(PyFunction_GET_CODE(function), wrapper_mark, &wrapper_mark) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}
