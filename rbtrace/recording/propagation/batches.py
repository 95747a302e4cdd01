"""joblib and dask: the current span goes along beside the functions, which stay as they are.

dask names tasks after what they run, and joblib hands out tasks from threads of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from rbtrace.errors import warn_once
from rbtrace.recording.propagation.preparing import without_span
from rbtrace.recording.recorder import RECORDER

_NAME: Final = "_rbtrace"
_ANNOTATION: Final = "rbtrace"


def joblib_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `Parallel.__call__`: the context is kept for the threads that hand out tasks later."""

    @functools.wraps(original)
    def call(self: Any, iterable: Any) -> Any:
        if RECORDER.has_recorded():
            from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry

            vars(self)[_NAME] = current.copy()
        return original(self, iterable)

    return call


def joblib_dispatch(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `Parallel.dispatch_one_batch`, which the thread of a pool's results calls, too."""

    @functools.wraps(original)
    def call(self: Any, iterator: Any) -> Any:
        context = vars(self).get(_NAME)
        if context is None:
            return original(self, iterator)
        from rbtrace.recording.propagation.tasks import attached  # noqa: PLC0415 - imports OpenTelemetry

        with attached(context):
            return original(self, iterator)

    return call


def dask_submission(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `Client._graph_to_futures`: tasks are annotated with the span they are submitted in."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _annotated(original):
            return original(*args, **kwargs)

    return call


def _annotated(original: Callable[..., Any]) -> AbstractContextManager[Any]:
    if not RECORDER.has_recorded():
        return nullcontext()
    try:
        from dask.base import annotate  # noqa: PLC0415 - its client calls this

        from rbtrace.recording.propagation.tasks import PropagatedTask  # noqa: PLC0415 - imports OpenTelemetry

        annotated: AbstractContextManager[Any] = annotate(
            **{_ANNOTATION: PropagatedTask.state_here()}
        )
    except Exception as problem:  # noqa: BLE001 - never into the program
        without_span(original, repr(problem))
        return nullcontext()
    return annotated


def dask_execution(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `Worker.execute`, whose context goes with the task to the thread that runs it."""

    @functools.wraps(original)
    async def call(self: Any, key: Any, **kwargs: Any) -> Any:
        try:
            _attach_annotated(self.state.tasks[key].annotations or {})
        except Exception as problem:  # noqa: BLE001 - never into the program
            warn_once("dask", f"Tasks of dask run without their span: {problem!r}")
        return await original(self, key, **kwargs)

    return call


def _attach_annotated(annotations: Any) -> None:
    """Each task is executed in an asyncio task of its own, and its context ends with it."""
    state = annotations.get(_ANNOTATION)
    if state is None:
        return
    from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry
    from rbtrace.recording.propagation.tasks import context_of, turn_on_here  # noqa: PLC0415

    headers, environ = state
    turn_on_here(environ)
    current.attach(context_of(headers))
