"""Functions by their names, so that a document can mention them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from rbtrace.evaluation.errors import InvalidFieldError


def name_of(function: Callable[..., Any]) -> str:
    """`module:qualified.name` of a function that can be found by it.

    Raises:
        InvalidFieldError: it cannot: it is a lambda, a local function, or bound to an instance.
    """
    name = f"{getattr(function, '__module__', None)}:{getattr(function, '__qualname__', None)}"
    try:
        found = function_of(name)
    except InvalidFieldError:
        found = None
    if found is not function:
        raise InvalidFieldError(
            f"{function!r} cannot be written down: only functions at the top of a module can"
        )
    return name


def function_of(name: str) -> Callable[..., Any]:
    """The function of that name. Nothing is imported: a document must not run code.

    Raises:
        InvalidFieldError: its module is not imported, or has no such function.
    """
    module, _, attribute = name.partition(":")
    if module not in sys.modules:
        raise InvalidFieldError(f"the function {name} is unknown: import {module} first")
    try:
        found = attrgetter(attribute)(sys.modules[module])
    except AttributeError:
        found = None
    if not callable(found):
        raise InvalidFieldError(f"{module} has no function {attribute}")
    function: Callable[..., Any] = found
    return function
