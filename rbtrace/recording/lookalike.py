"""Wrappers that look like the functions they stand for."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, Final, cast

from rbtrace.recording.export.exceptions import traceback_of
from rbtrace.recording.hot.compiled import COMPILED


def code_flags(function: Callable[..., Any]) -> int:
    """What kind of function it is, as the flags of its code; 0 if it has none."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return flags if isinstance(flags, int) else 0


def standing_for(
    call: Callable[..., Any], function: Callable[..., Any], flags: int = 0
) -> Callable[..., Any]:
    """Make a wrapper look like its function, down to its defaults and its module's names.

    doctest, for one, passes over a function whose globals are not those of the module. So the
    wrapper may use free variables and arguments, but no global names.

    Args:
        call: the wrapper.
        function: what it calls.
        flags: those that its code shall have, too, where it is no coroutine or generator function
            and its function is: what it returns is of that kind.
    """
    if not isinstance(function, types.FunctionType):
        return functools.update_wrapper(call, function)
    wrapper = cast("types.FunctionType", call)
    code = wrapper.__code__
    made = types.FunctionType(
        code.replace(co_flags=code.co_flags | flags) if flags else code,
        function.__globals__,
        wrapper.__name__,
        function.__defaults__,
        wrapper.__closure__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(made, function)
    if COMPILED is not None:
        COMPILED.hand_on_defaults(made)
    return made


def parameters_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes the same arguments, refuses what the function would, and does nothing.

    To call a coroutine function only to see whether the arguments fit would leave a coroutine that
    is never awaited.
    """
    if not isinstance(function, types.FunctionType):
        return lambda *_args, **_kwargs: None
    code = function.__code__
    kept = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    named = code.co_argcount + code.co_kwonlyargcount
    names = named + bool(code.co_flags & inspect.CO_VARARGS)
    names += bool(code.co_flags & inspect.CO_VARKEYWORDS)
    nothing = _nothing.__code__
    made = types.FunctionType(
        nothing.replace(
            co_argcount=code.co_argcount,
            co_posonlyargcount=code.co_posonlyargcount,
            co_kwonlyargcount=code.co_kwonlyargcount,
            co_varnames=code.co_varnames[:names],
            co_nlocals=names,
            co_flags=nothing.co_flags | code.co_flags & kept,
            co_name=code.co_name,
            co_qualname=code.co_qualname,
        ),
        {},
        function.__name__,
        function.__defaults__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    made.__qualname__ = function.__qualname__
    return made


def take_defaults(parameters: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Let what `parameters_of` gave have the defaults that the function has by now."""
    if isinstance(parameters, types.FunctionType):
        parameters.__defaults__ = function.__defaults__
        parameters.__kwdefaults__ = function.__kwdefaults__


_set_traceback: Final = vars(BaseException)["__traceback__"].__set__
"""Past any `__setattr__` of the exception's own."""


def hide_frames(error: BaseException, file: str) -> None:
    """Take the outermost frames of a file of ours off a traceback.

    The program sees the frames it would see untraced; and a traceback twice as long takes twice as
    much of the C stack when it is freed (CPython 3.13).
    """
    traceback = traceback_of(error)
    hidden = traceback
    while (
        hidden is not None
        and hidden.tb_next is not None
        and hidden.tb_frame.f_code.co_filename == file
    ):
        hidden = hidden.tb_next
    if hidden is not traceback:
        _set_traceback(error, hidden)


def _nothing() -> None:
    return None
