"""The flush thread: writes what was recorded every interval, and before a signal ends the process.

`rbtrace/_system.c` holds SIGTERM and SIGHUP up where the program leaves them at their default
action, which is to end it. The flush thread then writes everything and sends the signal again. If
it cannot (an extension holds the interpreter, a disk does not answer), a timer of the system does.
The program sees no handler, its threads stop before their next bytecode, and its exit status is
that of the signal. Where the module is not compiled, signals end the process at once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

from rbtrace.errors import warn_once
from rbtrace.recording.export.threads import BackgroundThread, Wake
from rbtrace.system import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL_S: Final = 0.9
"""So that a flush under way at the end of a second is still of that second."""


class Flusher:
    """Calls `flush` every interval in a thread of its own, between `ensure_running` and `stop`.

    While it runs, it takes the signals that would end the process: it calls `finish` and ends it.
    """

    def __init__(
        self,
        flush: Callable[[], None],
        finish: Callable[[], None] = lambda: None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Make a flusher that does not run yet.

        Args:
            flush: what to do every interval.
            finish: what to do before a signal ends the process.
            interval_s: the interval, s.
        """
        self._flush = flush
        self._finish = finish
        self._interval_s = interval_s
        self._wake = Wake()
        self._ends = False
        self._thread = BackgroundThread(self._run)

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_running

    def ensure_running(self) -> None:
        """Start the thread if it does not run."""
        if self._thread.is_running:
            return
        self._ends = False
        if self._thread.start():
            take_signals()

    def take_signals(self) -> None:
        """Hold up those signals that would end the process by now."""
        if self._thread.is_running and not self._ends:
            take_signals()

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Stop the thread and wait for it, not for ever; say whether it had been running."""
        if not self._thread.is_running:
            return False
        let_signals_end_the_process()
        self._ends = True
        self._wake_up()
        self._thread.join(timeout_s)
        return True

    def forget(self) -> None:
        """In a forked child, where the thread does not run."""
        self._thread.forget()

    def _wake_up(self) -> None:
        if SYSTEM is None:
            self._wake.set()
        else:
            SYSTEM.wake()

    def _wait(self, until: float) -> None:
        """Wait until then, or a call of `stop`, or a signal."""
        timeout_s = until - monotonic()
        if SYSTEM is None:
            self._wake.wait(timeout_s)
        elif not self._ends and not SYSTEM.arrived():
            SYSTEM.wait(timeout_s)

    def _run(self) -> None:
        if SYSTEM is not None:
            SYSTEM.enter()  # so that it is not stopped by what it has to do
        flush_at = monotonic() + self._interval_s
        while not self._ends:
            self._wait(flush_at)
            end_as_held_up(self._finish)
            now = monotonic()
            if now >= flush_at and not self._ends:
                self._flush_once()
                flush_at = max(now + self._interval_s, monotonic())

    def _flush_once(self) -> None:
        try:
            self._flush()
        except Exception as problem:  # noqa: BLE001 - the next flush may succeed
            warn_once("flush", f"traces could not be written, to be tried again: {problem!r}")


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
