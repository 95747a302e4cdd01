"""How a target becomes traced: functions, and descriptors made of functions, hot or not."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from rbtrace.conventions import USER_SCOPE_NAME
from rbtrace.errors import warn_once
from rbtrace.recording.hot.wrapper import aggregated
from rbtrace.recording.operation import Operation, describe
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.targets import rebuilt, require_plain
from rbtrace.recording.wrappers import spanned

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
