"""Threads, processes and tasks of pools: what is done to a call that starts one."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from rbtrace.errors import warn_once
from rbtrace.recording.propagation.preparing import Arguments


def start_thread(thread: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `threading.Thread.start`: the context waits among the thread's variables."""
    from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry
    from rbtrace.recording.propagation.tasks import CONTEXT  # noqa: PLC0415

    variables = vars(thread)
    if variables.get("_initialized") and variables.get("_ident") is None:
        variables[CONTEXT] = current.copy()
    return (thread, *args), kwargs


def thread_begins(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `threading.Thread._bootstrap_inner`, the first that runs in a thread of that class.

    `run` is left alone: classes and instances have their own, and errors show where they came
    through.
    """

    @functools.wraps(original)
    def call(thread: Any) -> Any:
        if "_rbtrace" in vars(thread):
            try:
                from rbtrace.recording.propagation.tasks import begin_thread  # noqa: PLC0415

                begin_thread(thread)
            except Exception as problem:  # noqa: BLE001 - never into the program
                warn_once("thread", f"a thread runs without its span: {problem!r}")
        return original(thread)

    return call


def start_new_thread(*args: Any, **kwargs: Any) -> Arguments:
    """Prepare `_thread.start_new_thread(function, args)`, except where `Thread` calls it."""
    from rbtrace.recording.propagation.tasks import InContext  # noqa: PLC0415 - imports OpenTelemetry

    function = args[0] if args else None
    if callable(function) and not isinstance(getattr(function, "__self__", None), threading.Thread):
        args = (InContext(function), *args[1:])
    return args, kwargs


def start_process(process: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `multiprocessing.Process.start`."""
    from rbtrace.recording.propagation.tasks import PropagatedProcess  # noqa: PLC0415 - imports OpenTelemetry

    vars(process)["_rbtrace"] = PropagatedProcess()
    return (process, *args), kwargs


def task(owner: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare a method of a pool whose first argument, or `func`, is the task."""
    from rbtrace.recording.propagation.tasks import PropagatedTask  # noqa: PLC0415 - imports OpenTelemetry

    args, kwargs = _replaced(args, kwargs, {0: "func"}, PropagatedTask)
    return (owner, *args), kwargs


def apply_in_pool(pool: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `Pool.apply_async(func, args, kwds, callback, error_callback)`."""
    args, kwargs = _with_callbacks(args, kwargs, {3: "callback", 4: "error_callback"})
    return task(pool, *args, **kwargs)


def map_in_pool(pool: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `Pool._map_async(func, iterable, mapper, chunksize, callback, error_callback)`."""
    args, kwargs = _with_callbacks(args, kwargs, {4: "callback", 5: "error_callback"})
    return task(pool, *args, **kwargs)


def add_done_callback(future: Any, *args: Any, **kwargs: Any) -> Arguments:
    """Prepare `Future.add_done_callback(fn)`."""
    args, kwargs = _with_callbacks(args, kwargs, {0: "fn"})
    return (future, *args), kwargs


def _with_callbacks(
    args: tuple[Any, ...], kwargs: dict[str, Any], parameters: dict[int, str]
) -> Arguments:
    """The arguments with callbacks that a thread of the pool will call under this context."""
    from rbtrace.recording.propagation.tasks import InContext  # noqa: PLC0415 - imports OpenTelemetry

    def in_context(function: Any) -> Any:
        return InContext(function) if callable(function) else function

    return _replaced(args, kwargs, parameters, in_context)


def _replaced(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    parameters: dict[int, str],
    replacement: Callable[[Any], Any],
) -> Arguments:
    """The arguments with some replaced, given by position or by name."""
    positions = tuple(
        replacement(value) if position in parameters else value
        for position, value in enumerate(args)
    )
    names = {
        name: replacement(value) if name in parameters.values() else value
        for name, value in kwargs.items()
    }
    return positions, names
