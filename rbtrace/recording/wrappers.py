"""Real spans around callables of every kind, each wrapper of the kind it wraps.

`inspect` sees a coroutine function where there was one, a generator function where there was one.
The span of a generator is current only while the generator's own code runs: what its consumer
does between two items is not its work.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from rbtrace.recording.operation import Operation
from rbtrace.recording.scopes import NoScope, Scope, open_scope


def spanned(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    """Wrap a callable so that every call is a span."""
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, operation)
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, operation)
    if inspect.isgeneratorfunction(function):
        return _generator(function, operation)
    return _function(function, operation)


def _function(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with open_scope(operation, args, kwargs) as scope:
            result = function(*args, **kwargs)
        scope.succeed(result)
        return result

    return call


def _coroutine(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with open_scope(operation, args, kwargs) as scope:
            result = await function(*args, **kwargs)
        scope.succeed(result)
        return result

    return call


def _generator(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        return (yield from _drive(inner, open_scope(operation, args, kwargs)))

    return call


def _drive(inner: Generator[Any, Any, Any], scope: Scope | NoScope) -> Generator[Any, Any, Any]:
    resume: Callable[[Any], Any] = inner.send
    value: Any = None
    try:
        while True:
            try:
                with scope.attached():
                    item = resume(value)
            except StopIteration as stop:
                scope.succeed(stop.value)
                return stop.value
            try:
                value = yield item
                resume = inner.send
            except GeneratorExit:
                with scope.attached():
                    inner.close()
                scope.succeed(None)
                raise
            except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                resume, value = inner.throw, thrown
    except GeneratorExit:
        raise
    except BaseException as error:
        scope.fail(error)
        raise


def _async_generator(function: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        scope = open_scope(operation, args, kwargs)
        resume, value = inner.asend, None
        try:
            while True:
                try:
                    with scope.attached():
                        item = await resume(value)
                except StopAsyncIteration:
                    scope.succeed(None)
                    return
                try:
                    value = yield item
                    resume = inner.asend
                except GeneratorExit:
                    await inner.aclose()
                    scope.succeed(None)
                    raise
                except BaseException as thrown:  # noqa: BLE001 - passed on to the generator
                    resume, value = inner.athrow, thrown
        except GeneratorExit:
            raise
        except BaseException as error:
            scope.fail(error)
            raise

    return call
