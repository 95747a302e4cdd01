"""The flush thread: at most one interval of recorded spans is ever only in memory."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from rbtrace.errors import warn_once
from rbtrace.recording.export.termination import (
    end_as_held_up,
    let_signals_end_the_process,
    take_signals,
)
from rbtrace.recording.export.threads import BackgroundThread, Wake
from rbtrace.system import SYSTEM

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
