"""The flush thread: at most one interval of recorded spans is ever only in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

INTERVAL_S = 1.0


class Flusher:
    """Calls `flush` every interval in a daemon thread, between `ensure_running` and `stop`."""

    def __init__(self, flush: Callable[[], None], interval_s: float = INTERVAL_S) -> None:
        self._flush = flush
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def ensure_running(self) -> None:
        """Start the thread if it does not run."""
        if self._thread is None:
            self._wake = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._wake,), name="rbtrace-flush", daemon=True
            )
            try:
                self._thread.start()
            except RuntimeError:
                self._thread = None  # the interpreter is shutting down: the exit hook flushes

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Stop the thread and wait for it, not for ever; say whether it had been running."""
        thread = self._thread
        if thread is None:
            return False
        self._wake.set()
        if thread is not threading.current_thread():
            thread.join(timeout_s)
        self._thread = None
        return True

    def _run(self, wake: threading.Event) -> None:
        while not wake.wait(self._interval_s):
            self._flush()
