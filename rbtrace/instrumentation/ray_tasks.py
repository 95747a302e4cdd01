"""Ray: the current span goes along with tasks and calls of actors.

Ray pickles a function once and its arguments for every call, so the span travels as an argument
that the function gets besides its own. A worker without rbtrace drops it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

from rbtrace.errors import warn_once
from rbtrace.recording.recorder import RECORDER

ARGUMENT: Final = "_rbtrace"


def with_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with one more argument: what is carried to the worker.

    What Ray pickles by value must not need rbtrace where it is unpickled.
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if _takes_argument(parameters):
        return function
    has_keywords = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    extra = inspect.Parameter(ARGUMENT, inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters.insert(len(parameters) - has_keywords, extra)

    @functools.wraps(function)
    def call(*args: Any, _rbtrace: tuple[Any, ...] | None = None, **kwargs: Any) -> Any:
        if _rbtrace is None:
            return function(*args, **kwargs)
        try:
            from rbtrace.recording.tasks import CarriedTask  # noqa: PLC0415 - in the worker
        except ImportError:
            return function(*args, **kwargs)
        return CarriedTask.arrived(function, *_rbtrace)(*args, **kwargs)

    del call.__wrapped__  # Ray looks through wrappers, and would not see the argument
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def _is_plain(function: Any) -> bool:
    """Whether a call is over when it returns: not so for coroutines and generators."""
    return inspect.isfunction(function) and not (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    )


def _takes_argument(parameters: Any) -> bool:
    return any(parameter.name == ARGUMENT for parameter in parameters or ())


def _carried(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    from rbtrace.recording.tasks import CarriedTask  # noqa: PLC0415 - imports OpenTelemetry

    return {**(kwargs or {}), ARGUMENT: CarriedTask.state_here()}


def tasks(remote: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `RemoteFunction._remote`."""

    @functools.wraps(remote)
    def call(self: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        if RECORDER.has_recorded():
            try:
                if self._function_signature is None and _is_plain(self._function):
                    self._function = with_argument(self._function)
                if _takes_argument(inspect.signature(self._function).parameters.values()):
                    kwargs = _carried(kwargs)
            except Exception as problem:  # noqa: BLE001 - never into the program
                warn_once("ray task", f"Ray tasks start without their span: {problem!r}")
        return remote(self, args, kwargs, *rest, **options)

    return call


def actor_classes(inject: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `ray.actor._inject_tracing_into_class`: methods of actors take one more argument.

    Ray's own tracing unwraps methods before it wraps them, so ours comes after it.
    """

    @functools.wraps(inject)
    def call(made: type) -> Any:
        result = inject(made)
        if RECORDER.is_on:
            for name, function in inspect.getmembers(made, _is_plain):
                is_static = isinstance(inspect.getattr_static(made, name), staticmethod)
                if not name.startswith("__") and not is_static:
                    setattr(made, name, with_argument(function))
        return result

    return call


def actor_calls(remote: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `ActorMethod._remote`."""

    @functools.wraps(remote)
    def call(self: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        if RECORDER.has_recorded():
            try:
                if _takes_argument(self._actor._ray_method_signatures.get(self._method_name)):
                    kwargs = _carried(kwargs)
            except Exception as problem:  # noqa: BLE001 - never into the program
                warn_once("ray actor", f"Calls of actors start without their span: {problem!r}")
        return remote(self, args, kwargs, *rest, **options)

    return call
