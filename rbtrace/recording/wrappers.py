"""Real spans around functions of every kind, each wrapper of the kind it wraps.

`inspect` sees a coroutine function where there was one, a generator function where there was one;
arguments that do not fit are refused by the call, as they were. The span of a generator is current
only while the generator's own code runs: what its consumer does between two items is not its work.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from rbtrace.recording.lookalike import (
    code_flags,
    hide_frames,
    parameters_of,
    standing_for,
    take_defaults,
)
from rbtrace.recording.operation import Operation
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
from rbtrace.recording.spans import ActiveSpan, DisabledSpan, open_scope


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
    return open_scope(operation, args, kwargs).__enter__()


def _failed(scope: ActiveSpan | DisabledSpan, error: BaseException, operation: Operation) -> None:
    hide_frames(error, __file__)
    scope.__exit__(None, error, None)
    if not IS_GIVEN_BACK:
        say_shared(error, operation.name)


def _succeeded(scope: ActiveSpan | DisabledSpan, result: Any) -> None:
    scope.__exit__(None, None, None)
    scope.succeed(result)


def _function(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    beyond, enter, failed, succeeded = with_headroom, _enter, _failed, _succeeded
    given, taken, any_error = give, take, BaseException

    def call(*args: Any, **kwargs: Any) -> Any:
        depth = given()
        scope = beyond(enter, operation, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except any_error as error:
            beyond(failed, scope, error, operation)
            raise
        finally:
            taken(depth)
        beyond(succeeded, scope, result)
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
    scope = with_headroom(_enter, operation, args, kwargs)
    try:
        result = await function(*args, **kwargs)
    except BaseException as error:
        with_headroom(_failed, scope, error, operation)
        say_shared(error, operation.name)
        raise
    with_headroom(_succeeded, scope, result)
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


def _ended(scope: ActiveSpan | DisabledSpan, error: BaseException) -> None:
    """End the span of a generator that raised; to be closed is no failure."""
    hide_frames(error, __file__)
    if isinstance(error, GeneratorExit):
        scope.succeed(None)
    else:
        scope.fail(error)


def _drive(
    inner: types.GeneratorType[Any, Any, Any], operation: Operation, args: Any, kwargs: Any
) -> Generator[Any, Any, Any]:
    scope = with_headroom(open_scope, operation, args, kwargs)
    resume: Callable[[Any], Any] = inner.send
    value = result = None
    try:
        if not may_step():  # the span is not current meanwhile
            result = yield from inner
        while inner.gi_frame is not None:  # it is not over
            with_headroom(scope.attach)
            try:
                item = inward(resume, value)
            except StopIteration as stop:
                result = stop.value
                break
            finally:
                value = None
                with_headroom(scope.detach)
            try:
                value = yield item
                resume = inner.send
            except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                resume, value = inner.throw, thrown
    except BaseException as error:
        with_headroom(_ended, scope, error)
        raise
    with_headroom(scope.succeed, result)
    return result


_drive_awaited = types.coroutine(
    types.FunctionType(_drive.__code__, globals(), _drive.__name__, closure=_drive.__closure__)
)
"""The same for generators that can be awaited."""


async def _drive_async(
    inner: AsyncGenerator[Any, Any], operation: Operation, args: Any, kwargs: Any
) -> AsyncGenerator[Any, Any]:
    scope = with_headroom(open_scope, operation, args, kwargs)
    step = _first_step(inner)
    try:
        while True:
            with_headroom(scope.attach)
            try:
                item = await step
            except StopAsyncIteration:
                break
            finally:
                with_headroom(scope.detach)
            try:
                step = inner.asend((yield item))
            except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                step = inner.athrow(thrown)
    except BaseException as error:
        with_headroom(_ended, scope, error)
        say_shared(error, operation.name)
        raise
    with_headroom(scope.succeed, None)


def _first_step(inner: AsyncGenerator[Any, Any]) -> Any:
    """Begin the generator unbeknown to the event loop, which sees to the one around it."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
