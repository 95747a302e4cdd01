"""How a target becomes traced: functions and descriptors made of functions, in spans or hot.

Each wrapper is of the kind it wraps: `inspect` sees a coroutine function where there was one, a
generator function where there was one; arguments that do not fit are refused by the call, as they
were. The span of a generator is current only while the generator's own code runs: what its consumer
does between two items is not its work.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Final
from weakref import WeakSet

from rbtrace.conventions import USER_SCOPE_NAME
from rbtrace.errors import warn_once
from rbtrace.recording.hot.wrapper import aggregated
from rbtrace.recording.lookalike import (
    code_flags,
    hide_frames,
    parameters_of,
    standing_for,
    take_defaults,
)
from rbtrace.recording.operation import Operation, describe
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.recursion import (
    IS_GIVEN_BACK,
    give,
    inward,
    may_step,
    say_no_stack,
    say_shared,
    take,
    with_headroom,
)
from rbtrace.recording.spans import ActiveSpan, DisabledSpan, start_span
from rbtrace.recording.traceable import rebuilt, require_plain

_WRAPPERS: Final[WeakSet[Callable[..., Any]]] = WeakSet()
"""The functions made here for users."""


def wrap(target: Any, *, name: str | None, hot: bool, category: str) -> Any:
    """Trace the functions of a user's target under their qualified names without module.

    What is not made of functions stays as it is, which is said once.
    """

    def change(function: types.FunctionType, role: str) -> Callable[..., Any]:
        if type(target) is property and function in _WRAPPERS:
            return function  # `@traced` above the setter of a property that is traced
        chosen = (name or function.__qualname__.rpartition("<locals>.")[2]) + role
        operation = describe(function, chosen, category, USER_SCOPE_NAME)
        made = wrap_operation(function, operation, hot=hot)
        _WRAPPERS.add(made)
        return made

    made = rebuilt(target, change)
    if made is None:
        _say_left(target)
        return target
    return made


def _say_left(target: Any) -> None:
    kind = type(target)
    shown = getattr(target, "__qualname__", None)
    shown = shown if isinstance(shown, str) else f"{kind.__module__}.{kind.__qualname__} object"
    what = "a class" if isinstance(target, type) else f"a {kind.__qualname__}"
    warn_once(
        f"left:{shown}",
        f"{shown} is not traced: it is {what}, which cannot be wrapped and stay what it is; "
        "put rbtrace.traced on the function inside, or rbtrace.span around its calls",
    )


def wrap_operation(
    target: Callable[..., Any], operation: Operation, *, hot: bool
) -> Callable[..., Any]:
    """Trace a callable; a static or class method stays one.

    A hot operation is aggregated, unless the settings ask for a span per call.
    """
    function = underlying(target)
    if hot:
        require_plain(function)
    if hot and RECORDER.settings.detail == "summary":
        wrapped = aggregated(function, operation, RECORDER.trees)
    else:
        wrapped = spanned(function, operation)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(wrapped)
    return wrapped


def underlying(target: Callable[..., Any]) -> Callable[..., Any]:
    """The function in a static or class method, else the target itself."""
    if isinstance(target, staticmethod | classmethod):
        function: Callable[..., Any] = target.__func__
        return function
    return target


def spanned(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    """Wrap a callable so that every call is a span."""
    flags = code_flags(function)
    if flags & inspect.CO_COROUTINE:
        return _coroutine(function, operation)
    if flags & inspect.CO_ASYNC_GENERATOR:
        return _generator(function, operation, _drive_async, inspect.CO_ASYNC_GENERATOR)
    if flags & inspect.CO_ITERABLE_COROUTINE:
        kind = inspect.CO_GENERATOR | inspect.CO_ITERABLE_COROUTINE
        return _generator(function, operation, _drive_awaited, kind)
    if flags & inspect.CO_GENERATOR:
        return _generator(function, operation, _drive, inspect.CO_GENERATOR)
    return _function(function, operation)


def _enter(operation: Operation, args: Any, kwargs: Any) -> ActiveSpan | DisabledSpan:
    return start_span(operation, args, kwargs).__enter__()


def _failed(active: ActiveSpan | DisabledSpan, error: BaseException, operation: Operation) -> None:
    hide_frames(error, __file__)
    active.__exit__(None, error, None)
    if not IS_GIVEN_BACK:
        say_shared(error, operation.name)


def _succeeded(active: ActiveSpan | DisabledSpan, result: Any) -> None:
    active.__exit__(None, None, None)
    active.succeed(result)


def _function(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    beyond, enter, failed, succeeded = with_headroom, _enter, _failed, _succeeded
    given, taken, any_error = give, take, BaseException

    def call(*args: Any, **kwargs: Any) -> Any:
        depth = given()
        active = beyond(enter, operation, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except any_error as error:
            beyond(failed, active, error, operation)
            raise
        finally:
            taken(depth)
        beyond(succeeded, active, result)
        return result

    return standing_for(call, function)


def _coroutine(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    parameters, run, misfit, renew = parameters_of(function), _run, TypeError, take_defaults

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            parameters(*args, **kwargs)
        except misfit:
            function(*args, **kwargs).close()  # raises the same, unless the defaults have changed
            renew(parameters, function)
        coroutine: Any = run(function, operation, args, kwargs)
        coroutine.__name__ = function.__name__
        coroutine.__qualname__ = function.__qualname__
        return coroutine

    return standing_for(call, function, inspect.CO_COROUTINE)


async def _run(function: Callable[..., Any], operation: Operation, args: Any, kwargs: Any) -> Any:
    active = with_headroom(_enter, operation, args, kwargs)
    try:
        result = await function(*args, **kwargs)
    except BaseException as error:
        with_headroom(_failed, active, error, operation)
        say_shared(error, operation.name)
        raise
    with_headroom(_succeeded, active, result)
    return result


def _generator(
    function: Callable[..., Any], operation: Operation, drive: Callable[..., Any], flags: int
) -> Callable[..., Any]:
    allowed, say = may_step, say_no_stack

    def call(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        if not allowed():
            say(operation.name)
            return inner
        generator = drive(inner, operation, args, kwargs)
        generator.__name__ = inner.__name__
        generator.__qualname__ = inner.__qualname__
        return generator

    return standing_for(call, function, flags)


def _ended(active: ActiveSpan | DisabledSpan, error: BaseException) -> None:
    """End the span of a generator that raised; to be closed is no failure."""
    hide_frames(error, __file__)
    if isinstance(error, GeneratorExit):
        active.succeed(None)
    else:
        active.fail(error)


def _drive(
    inner: types.GeneratorType[Any, Any, Any], operation: Operation, args: Any, kwargs: Any
) -> Generator[Any, Any, Any]:
    active = with_headroom(start_span, operation, args, kwargs)
    resume: Callable[[Any], Any] = inner.send
    value = result = None
    try:
        if not may_step():  # the span is not current meanwhile
            result = yield from inner
        while inner.gi_frame is not None:  # it is not over
            with_headroom(active.attach)
            try:
                item = inward(resume, value)
            except StopIteration as stop:
                result = stop.value
                break
            finally:
                value = None
                with_headroom(active.detach)
            try:
                value = yield item
                resume = inner.send
            except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                resume, value = inner.throw, thrown
    except BaseException as error:
        with_headroom(_ended, active, error)
        raise
    with_headroom(active.succeed, result)
    return result


_drive_awaited = types.coroutine(
    types.FunctionType(_drive.__code__, globals(), _drive.__name__, closure=_drive.__closure__)
)
"""The same for generators that can be awaited."""


async def _drive_async(
    inner: AsyncGenerator[Any, Any], operation: Operation, args: Any, kwargs: Any
) -> AsyncGenerator[Any, Any]:
    active = with_headroom(start_span, operation, args, kwargs)
    step = _first_step(inner)
    try:
        while True:
            with_headroom(active.attach)
            try:
                item = await step
            except StopAsyncIteration:
                break
            finally:
                with_headroom(active.detach)
            try:
                step = inner.asend((yield item))
            except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                step = inner.athrow(thrown)
    except BaseException as error:
        with_headroom(_ended, active, error)
        say_shared(error, operation.name)
        raise
    with_headroom(active.succeed, None)


def _first_step(inner: AsyncGenerator[Any, Any]) -> Any:
    """Begin the generator unbeknown to the event loop, which sees to the one around it."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
