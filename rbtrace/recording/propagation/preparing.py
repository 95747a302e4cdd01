"""Wrappers that change the arguments of a call so that the current span goes with it.

They do nothing before the first span, and never raise into the program: what cannot be prepared
goes on as the program has it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

from rbtrace.errors import warn_once
from rbtrace.recording.recorder import RECORDER

type Arguments = tuple[tuple[Any, ...], dict[str, Any]]
type Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def prepared(prepare: Callable[..., Arguments]) -> Wrap:
    """A wrapper that lets `prepare` change the arguments of a call, where there is a span."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            problem = ""
            if RECORDER.has_recorded():
                try:
                    args, kwargs = prepare(*args, **kwargs)
                except Exception as error:  # noqa: BLE001 - never into the program
                    problem = repr(error)
            result = original(*args, **kwargs)
            if problem:  # and not where the program calls it wrongly
                without_span(original, problem)
            return result

        if inspect.iscoroutinefunction(original):
            inspect.markcoroutinefunction(call)
        return like_builtin(call, original)

    return wrap


def without_span(original: Callable[..., Any], problem: str) -> None:
    """Say, once, that what a function starts is recorded without its parent."""
    warn_once(
        original.__qualname__, f"{original.__qualname__} starts work without its span: {problem}"
    )


def like_builtin(call: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a function, which is no method in a class body where the function is none."""
    return _BuiltinWrapper(call) if isinstance(original, BuiltinFunctionType) else call


class _BuiltinWrapper:
    """Stands where a built-in function stood: functions of Python would bind to instances."""

    __class__: Any = BuiltinFunctionType  # as `isinstance` sees it

    def __init__(self, call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, inspect.unwrap(call), updated=())
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(inspect.unwrap(self._call))

    def __reduce__(self) -> str:
        return str(inspect.unwrap(self._call).__qualname__)
