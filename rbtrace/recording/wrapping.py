"""How a target becomes traced: functions, static and class methods, hot or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rbtrace.conventions import USER_SCOPE_NAME
from rbtrace.recording.hot import aggregated, require_plain
from rbtrace.recording.operation import Operation, describe
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.wrappers import spanned


def wrap(
    target: Callable[..., Any], *, name: str | None, hot: bool, category: str
) -> Callable[..., Any]:
    """Trace a user's callable under its qualified name without module."""
    function = underlying(target)
    qualified = getattr(function, "__qualname__", None) or repr(function)
    chosen = name or qualified.rpartition("<locals>.")[2]
    operation = describe(function, chosen, category, USER_SCOPE_NAME)
    return wrap_operation(target, operation, hot=hot)


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
