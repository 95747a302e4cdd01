"""How work reaches other threads and processes, and what is handed along with it.

Each row names a function of the standard library (or of Ray) that starts work elsewhere, and the
wrapper that lets the current span go with it. The wrappers do nothing before the first span, and
never raise into the program.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rbtrace.errors import warn_once
from rbtrace.instrumentation import ray_tasks
from rbtrace.instrumentation.target import Target
from rbtrace.recording.recorder import RECORDER

_OURS: Final = "rbtrace-"
_PARENT: Final = ("TRACEPARENT", "TRACESTATE")


@dataclass(frozen=True, slots=True)
class Carrier(Target):
    """A function that starts work elsewhere, and how it is wrapped."""

    wrap: Callable[[Callable[..., Any]], Callable[..., Any]]


def _prepared(prepare: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper that lets `prepare` change the arguments of a call, where there is a span."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if RECORDER.has_recorded():
                try:
                    args, kwargs = prepare(*args, **kwargs)
                except Exception as problem:  # noqa: BLE001 - never into the program
                    name = original.__qualname__
                    warn_once(name, f"{name} starts work without its span: {problem!r}")
            return original(*args, **kwargs)

        return call

    return wrap


def _thread(thread: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from rbtrace.recording.tasks import in_thread  # noqa: PLC0415 - imports OpenTelemetry

    if not thread.name.startswith(_OURS):
        thread.run = in_thread(thread)
    return (thread,), {}


def _process(process: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from rbtrace.recording.tasks import CarriedProcess  # noqa: PLC0415 - imports OpenTelemetry

    process._rbtrace = CarriedProcess()
    return (process,), {}


def _task(owner: Any, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The first argument, or `func`, is the task."""
    from rbtrace.recording.tasks import CarriedTask  # noqa: PLC0415 - imports OpenTelemetry

    if args:
        return (owner, CarriedTask(args[0]), *args[1:]), kwargs
    return (owner,), {**kwargs, "func": CarriedTask(kwargs["func"])}


def _program(
    process: Any, *args: Any, env: Mapping[str, str] | None = None, **kwargs: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A child program's own copy of the environment names the span it is started in."""
    from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry
    from rbtrace.recording.origin import headers_of  # noqa: PLC0415

    headers = headers_of(current.get_current())
    if not headers or len(args) > _POSITION_OF_ENV:
        return (process, *args), kwargs if env is None else {**kwargs, "env": env}
    own = dict(os.environ if env is None else env)
    for name in _PARENT:
        own.pop(name, None)
    own.update({name.upper(): text for name, text in headers.items()})
    return (process, *args), {**kwargs, "env": own}


_POSITION_OF_ENV: Final = 10
"""Popen's `env` has this place among the arguments; hardly anybody gives it so."""

CARRIERS: Final[tuple[Carrier, ...]] = (
    Carrier("threading:Thread.start", _prepared(_thread)),
    Carrier("concurrent.futures.thread:ThreadPoolExecutor.submit", _prepared(_task)),
    Carrier("concurrent.futures.process:ProcessPoolExecutor.submit", _prepared(_task)),
    Carrier("multiprocessing.process:BaseProcess.start", _prepared(_process)),
    Carrier("multiprocessing.pool:Pool.apply_async", _prepared(_task)),
    Carrier("multiprocessing.pool:Pool._map_async", _prepared(_task)),
    Carrier("multiprocessing.pool:Pool.imap", _prepared(_task)),
    Carrier("multiprocessing.pool:Pool.imap_unordered", _prepared(_task)),
    Carrier("subprocess:Popen.__init__", _prepared(_program)),
    Carrier("ray.remote_function:RemoteFunction._remote", ray_tasks.tasks),
    Carrier("ray.actor:_inject_tracing_into_class", ray_tasks.actor_classes),
    Carrier("ray.actor:ActorMethod._remote", ray_tasks.actor_calls),
)
