"""The flush thread: at most one interval of recorded spans is ever only in memory."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

INTERVAL_S = 1.0
_POLL_S = 0.005


class Flusher:
    """Calls `flush` every interval in a daemon thread, between `ensure_running` and `stop`.

    The thread takes its orders from a queue that a signal handler may put to: its `put` needs no
    lock that the interrupted code could hold.
    """

    def __init__(self, flush: Callable[[], None], interval_s: float = INTERVAL_S) -> None:
        self._flush = flush
        self._interval_s = interval_s
        self._starting = threading.Lock()
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ensure_running(self) -> None:
        """Start the thread if it does not run."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        self._orders = queue.SimpleQueue()
        thread = threading.Thread(
            target=self._run, args=(self._orders,), name="rbtrace-flush", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            return  # the interpreter is shutting down: the exit hook flushes
        self._thread = thread

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Stop the thread and wait for it, not for ever; say whether it had been running."""
        thread = self._thread
        if thread is None:
            return False
        self._orders.put(_Order(ends=True))
        if thread is not threading.current_thread():
            thread.join(timeout_s)
        self._thread = None
        return True

    def run_from_signal_handler(self, work: Callable[[], None], timeout_s: float = 1.5) -> None:
        """Let the thread do some work now, and wait for it without taking a lock."""
        if self._thread is None:
            return
        order = _Order(ends=False, work=work)
        self._orders.put(order)
        deadline = time.monotonic() + timeout_s
        while not order.is_done and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _run(self, orders: queue.SimpleQueue[_Order]) -> None:
        while True:
            order = _next(orders, self._interval_s)
            if order is not None and order.ends:
                return
            if order is None:
                self._flush()
            else:
                order.work()
                order.is_done = True


class _Order:
    __slots__ = ("ends", "is_done", "work")

    def __init__(self, *, ends: bool, work: Callable[[], None] = lambda: None) -> None:
        self.ends = ends
        self.work = work
        self.is_done = False


def _next(orders: queue.SimpleQueue[_Order], interval_s: float) -> _Order | None:
    try:
        return orders.get(timeout=interval_s)
    except queue.Empty:
        return None
