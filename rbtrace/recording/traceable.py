"""What `@traced` may stand on. The answer is the same whether tracing is on or off.

Of functions, and of descriptors that are made of functions, the functions are traced. Whatever
else can be called (a class, an `lru_cache`, an object with `__call__`, a built-in function) stays
the object it is: a function in its stead would lack what it has.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any, Final

from rbtrace.errors import RbtraceError

_INTERLEAVES: Final = 0x20 | 0x80 | 0x100 | 0x200
"""Flags of the code of generators, coroutines, awaitable and asynchronous generators."""


class UntraceableError(RbtraceError, TypeError):
    """What is no function and nothing like it cannot be traced."""


class HotCallError(RbtraceError, TypeError):
    """Only plain synchronous functions can be aggregated."""


def require_traceable(target: object, *, hot: bool) -> None:
    """Refuse what makes no sense.

    Raises:
        UntraceableError: it can neither be called nor is it a descriptor.
        HotCallError: `hot`, and a coroutine or generator function.
    """
    if not callable(target) and not hasattr(type(target), "__get__"):
        raise UntraceableError(
            f"{type(target).__name__} {target!r:.100} is no function: rbtrace.traced stands above "
            "functions, methods and properties, and takes its options by keyword"
        )
    if hot:
        for function in functions_of(target):
            require_plain(function)


def require_plain(function: Callable[..., Any]) -> None:
    """Refuse coroutine and generator functions: their calls interleave, a tree could not hold them.

    Raises:
        HotCallError: the function is one of those.
    """
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if isinstance(flags, int) and flags & _INTERLEAVES:
        name = getattr(function, "__qualname__", repr(function))
        raise HotCallError(
            f"{name} is a coroutine or generator function; "
            "hot=True aggregates plain synchronous functions only"
        )


def functions_of(target: Any) -> list[types.FunctionType]:
    """The functions in it that are traced; none if it stays as it is."""
    functions: list[types.FunctionType] = []

    def note(function: types.FunctionType, _role: str) -> types.FunctionType:
        functions.append(function)
        return function

    rebuilt(target, note)
    return functions


type Change = Callable[[types.FunctionType, str], Callable[..., Any]]
"""Takes a function and what it is in the descriptor: "", ".setter" or ".deleter"."""


def rebuilt(target: Any, change: Change) -> Any:
    """The like of the target with each function in it changed; None if it is not made of functions.

    Only the very types known here: of a subclass, nobody knows how to make another.
    """
    kind = type(target)
    if kind is types.FunctionType:
        return change(target, "")
    if kind is property:
        return _property(target, change)
    holder = _HOLDERS.get(kind)
    if holder is None:
        return None
    attribute, make = holder
    function = rebuilt(getattr(target, attribute), change)
    return None if function is None else make(target, function)


def _property(target: property, change: Change) -> property | None:
    """A property that was traced before and got a setter has a getter that is traced already."""
    parts = [(target.fget, ""), (target.fset, ".setter"), (target.fdel, ".deleter")]
    if not any(type(part) is types.FunctionType for part, _ in parts):
        return None
    changed: list[Any] = [
        change(part, role) if type(part) is types.FunctionType else part for part, role in parts
    ]
    own_text = target.__doc__ is not getattr(target.fget, "__doc__", None)
    getter, setter, deleter = changed
    return property(getter, setter, deleter, target.__doc__ if own_text else None)


def _bound(target: types.MethodType, function: Callable[..., Any]) -> types.MethodType:
    return types.MethodType(function, target.__self__)


def _static_or_class(target: Any, function: Callable[..., Any]) -> Any:
    made = type(target)(function)
    vars(made).update(vars(target), __wrapped__=function)
    return made


def _partial(target: functools.partialmethod[Any], function: Callable[..., Any]) -> Any:
    return functools.partialmethod(function, *target.args, **target.keywords)


def _cached(target: Any, function: Callable[..., Any]) -> Any:
    made = functools.cached_property(function)
    vars(made).update(vars(target), func=function)
    return made


_HOLDERS: Final[dict[type, tuple[str, Callable[[Any, Callable[..., Any]], Any]]]] = {
    types.MethodType: ("__func__", _bound),
    staticmethod: ("__func__", _static_or_class),
    classmethod: ("__func__", _static_or_class),
    functools.partialmethod: ("func", _partial),
    functools.cached_property: ("func", _cached),
}
"""What holds one function: under which name, and how to make its like with another."""
