"""Signals that end the process: what was recorded is written before they do.

`rbtrace/_system.c` holds SIGTERM and SIGHUP up where the program leaves them at their default
action, which is to end it. The flush thread then writes everything and sends the signal again. If
it cannot (an extension holds the interpreter, a disk does not answer), a timer of the system does.
The program sees no handler, its threads stop before their next bytecode, and its exit status is
that of the signal. Where the module is not compiled, signals end the process at once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rbtrace.errors import warn_once
from rbtrace.system import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S: Final = 1.5
"""How long the process outlives the signal at most."""


def take_signals() -> None:
    """Hold signals up from now on: the flush thread runs."""
    if SYSTEM is not None:
        SYSTEM.hold(PATIENCE_S)


def let_signals_end_the_process() -> None:
    """Hold signals up no longer: the flush thread is about to end."""
    if SYSTEM is not None:
        SYSTEM.release()


def end_as_held_up(finish: Callable[[], None]) -> None:
    """In the flush thread: if a signal was held up, call `finish` and end the process as it would.

    Returns only if there was none.
    """
    number = 0 if SYSTEM is None else SYSTEM.arrived()
    if not number:
        return
    try:
        finish()
    except BaseException as problem:  # noqa: BLE001 - the process has to end
        warn_once("termination", f"not everything was written: {problem!r}")
    os.kill(os.getpid(), number)
    while True:  # a few microseconds, or until the timer of the system comes
        assert SYSTEM is not None
        SYSTEM.wait(PATIENCE_S)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A block of the calling thread that a held up signal does not stop, but follows."""
    if SYSTEM is None:
        yield
        return
    SYSTEM.enter()
    try:
        yield
    finally:
        SYSTEM.leave()
