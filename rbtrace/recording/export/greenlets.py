"""Greenlets: threads of their own to tracing, which take turns in one thread of the system.

Everywhere a thread is told by its number, a greenlet has one, too. Nothing is imported: a program
that has no greenlets has not loaded their library.
"""

from __future__ import annotations

import sys
import threading
import weakref
from types import BuiltinFunctionType, ModuleType
from typing import Any

_seen: dict[int, weakref.ref[Any]] = {}


def running() -> Any | None:
    """The running greenlet; None in the one every thread has from the start."""
    library = sys.modules.get("greenlet")
    if not isinstance(library, ModuleType):
        return None
    getcurrent = vars(library).get("getcurrent")  # not while it is being imported
    greenlet = getcurrent() if isinstance(getcurrent, BuiltinFunctionType) else None
    return None if greenlet is None or greenlet.parent is None else greenlet


def ident() -> int:
    """The number of the running greenlet or thread, unique among those that are alive."""
    greenlet = running()
    if greenlet is None:
        return threading.get_ident()
    number = id(greenlet)
    if number not in _seen:
        _seen[number] = weakref.ref(greenlet)
    return number


def alive() -> set[int]:
    """The numbers of the greenlets that have asked for one and are not over."""
    numbers = set()
    for number, reference in list(_seen.items()):
        greenlet = reference()
        if greenlet is None or greenlet.dead:
            _seen.pop(number, None)
        else:
            numbers.add(number)
    return numbers
