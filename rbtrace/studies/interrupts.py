"""Ctrl-C that gets through, even where a library swallows it."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_AGAIN_AFTER: Final = 0.1


def _interrupt_main() -> None:
    """As Ctrl-C does, which ends what the main thread waits for."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def lasting_interrupts() -> Iterator[Callable[[], None]]:
    """Yield a function that raises `KeyboardInterrupt` if Ctrl-C was pressed in this block.

    Ctrl-C raises at once as usual. But some package the engine imports goes on after any
    exception while it is imported: the function is for asking again at a better place. And an
    exception in a callback of the garbage collector cannot leave it (SQLAlchemy has such
    callbacks): there, Ctrl-C is repeated a moment later.
    """
    pressed = False
    repeats: list[threading.Timer] = []
    report_unraisable = sys.unraisablehook

    def remember(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def repeat(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            repeats.append(threading.Timer(_AGAIN_AFTER, _interrupt_main))
            repeats[-1].start()
        else:
            report_unraisable(unraisable)

    def ask_again() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    sys.unraisablehook = repeat
    try:
        yield ask_again
    finally:
        for timer in repeats:
            timer.cancel()
        sys.unraisablehook = report_unraisable
        signal.signal(signal.SIGINT, before)
