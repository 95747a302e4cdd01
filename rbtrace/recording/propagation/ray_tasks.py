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


def with_argument(function: Callable[..., Any]) -> Any:
    """The same function with one more argument: the span and the settings it is called with.

    It stays a coroutine or generator function where it was one. What Ray pickles by value must
    not need rbtrace where it is unpickled.
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if _takes_argument(parameters):
        return function
    has_keywords = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    extra = inspect.Parameter(ARGUMENT, inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters.insert(len(parameters) - has_keywords, extra)
    kinds = {
        inspect.iscoroutinefunction: _coroutine,
        inspect.isasyncgenfunction: _async_generator,
        inspect.isgeneratorfunction: _generator,
    }
    wrap = next((wrap for is_kind, wrap in kinds.items() if is_kind(function)), _plain)
    call: Any = functools.wraps(function)(wrap(function, _arrival(function)))
    del call.__wrapped__  # Ray looks through wrappers, and would not see the argument
    call.__signature__ = signature.replace(parameters=parameters)
    return call


def _arrival(function: Callable[..., Any]) -> Callable[[Any], Any]:
    def arrived(state: tuple[Any, ...] | None) -> Any:
        """The task in the worker; None without rbtrace there, or without a span."""
        if state is None:
            return None
        try:
            from rbtrace.recording.propagation.tasks import PropagatedTask  # noqa: PLC0415 - in the worker
        except ImportError:
            return None
        return PropagatedTask.arrived(function, *state)

    return arrived


def _plain(function: Callable[..., Any], arrived: Callable[[Any], Any]) -> Any:
    def call(*args: Any, _rbtrace: Any = None, **kwargs: Any) -> Any:
        return (arrived(_rbtrace) or function)(*args, **kwargs)

    return call


def _coroutine(function: Callable[..., Any], arrived: Callable[[Any], Any]) -> Any:
    async def call(*args: Any, _rbtrace: Any = None, **kwargs: Any) -> Any:
        task = arrived(_rbtrace)
        return await (function if task is None else task.run)(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], arrived: Callable[[Any], Any]) -> Any:
    def call(*args: Any, _rbtrace: Any = None, **kwargs: Any) -> Any:
        task = arrived(_rbtrace)
        return (yield from (function if task is None else task.generate)(*args, **kwargs))

    return call


def _async_generator(function: Callable[..., Any], arrived: Callable[[Any], Any]) -> Any:
    async def call(*args: Any, _rbtrace: Any = None, **kwargs: Any) -> Any:
        task = arrived(_rbtrace)
        inner = (function if task is None else task.generate_async)(*args, **kwargs)
        try:
            async for item in inner:
                yield item
        finally:
            await inner.aclose()

    return call


def _takes_argument(parameters: Any) -> bool:
    return any(parameter.name == ARGUMENT for parameter in parameters or ())


def _with_state(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    from rbtrace.recording.propagation.tasks import PropagatedTask  # noqa: PLC0415 - imports OpenTelemetry

    return {**(kwargs or {}), ARGUMENT: PropagatedTask.state_here()}


def tasks(remote: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `RemoteFunction._remote`."""

    @functools.wraps(remote)
    def call(self: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        if RECORDER.has_recorded():
            try:
                if self._function_signature is None and inspect.isfunction(self._function):
                    self._function = with_argument(self._function)
                if _takes_argument(inspect.signature(self._function).parameters.values()):
                    kwargs = _with_state(kwargs)
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
            for name, function in inspect.getmembers(made, inspect.isfunction):
                is_static = isinstance(inspect.getattr_static(made, name), staticmethod)
                is_called = name == "__init__" or not name.startswith("__")
                if is_called and not is_static:
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
                    kwargs = _with_state(kwargs)
            except Exception as problem:  # noqa: BLE001 - never into the program
                warn_once("ray actor", f"Calls of actors start without their span: {problem!r}")
        return remote(self, args, kwargs, *rest, **options)

    return call


def actors(remote: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `ActorClass._remote`, which makes an actor."""

    @functools.wraps(remote)
    def call(self: Any, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        if RECORDER.has_recorded():
            try:
                signatures = self.__ray_metadata__.method_meta.signatures
                if _takes_argument(signatures.get("__init__")):
                    kwargs = _with_state(kwargs)
            except Exception as problem:  # noqa: BLE001 - never into the program
                warn_once("ray actors", f"Actors are made without their span: {problem!r}")
        return remote(self, args, kwargs, **options)

    return call
