"""The flush thread: at most one interval of recorded spans is ever only in memory."""

from __future__ import annotations

import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from rbtrace.errors import warn_once
from rbtrace.telemetry.filter import drop_messages

INTERVAL_S = 0.9
"""So that a flush under way at the end of a second is still of that second."""
_POLL_S = 0.005
_KIND = socket.SOCK_DGRAM if sys.platform == "linux" else socket.SOCK_STREAM


class Flusher:
    """Calls `flush` every interval in a daemon thread, between `ensure_running` and `stop`.

    The thread takes orders that a signal handler may give: no lock is taken for it that the
    interrupted code could hold. And it hears of signals by itself, through `wakeup_fd`.
    """

    def __init__(
        self,
        flush: Callable[[], None],
        interval_s: float = INTERVAL_S,
        on_signal: Callable[[int], float | None] = lambda _: None,
    ) -> None:
        """Make a flusher that does not run yet.

        Args:
            flush: what to do every interval.
            interval_s: the interval, s.
            on_signal: is told the number of a signal that arrived, and says after how many seconds
                it wants to be told again.
        """
        self._flush = flush
        self._interval_s = interval_s
        self._on_signal = on_signal
        self._starting = threading.Lock()
        self._orders: deque[_Order] = deque()
        self._wake, self._woken = _socket_pair()
        self._thread: threading.Thread | None = None

    @property
    def wakeup_fd(self) -> int:
        """For `signal.set_wakeup_fd`: the number of each signal that Python handles goes here."""
        return self._wake.fileno()

    def ignore_signal(self, number: int) -> None:
        """Let this signal not wake the thread: it comes often, and concerns nobody here.

        The system drops its messages before they arrive (Linux); elsewhere the thread wakes and
        goes back to sleep.
        """
        with suppress(OSError):
            drop_messages(self._woken, number)

    def ensure_running(self) -> None:
        """Start the thread if it does not run."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="rbtrace-flush", daemon=True)
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
        self._give(_Order(ends=True))
        if thread is not threading.current_thread():
            thread.join(timeout_s)
        self._thread = None
        return True

    def run_from_signal_handler(self, work: Callable[[], None], timeout_s: float = 1.5) -> None:
        """Let the thread do some work now, and wait for it without taking a lock."""
        if self._thread is None:
            return
        order = _Order(ends=False, work=work)
        self._give(order)
        deadline = time.monotonic() + timeout_s
        while not order.is_done and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Close the sockets, after the thread has ended or in a forked child, where it is not."""
        self._wake.close()
        self._woken.close()

    def _give(self, order: _Order) -> None:
        self._orders.append(order)
        with suppress(OSError):  # full of wake-ups: it will wake
            self._wake.send(b"\0")

    def _run(self) -> None:
        flush_at = time.monotonic() + self._interval_s
        again_at: dict[int, float] = {}
        while True:
            for number in self._signals(min([flush_at, *again_at.values()])):
                again_at.setdefault(number, 0.0)
            if not self._obey():
                return
            now = time.monotonic()
            for number in [number for number, at in again_at.items() if at <= now]:
                wait_s = self._on_signal(number)
                del again_at[number]
                if wait_s is not None:
                    again_at[number] = now + wait_s
            if now >= flush_at:
                self._flush_once()
                flush_at = max(now + self._interval_s, time.monotonic())

    def _flush_once(self) -> None:
        try:
            self._flush()
        except Exception as problem:  # noqa: BLE001 - the next flush may succeed
            warn_once("flush", f"traces could not be written, to be tried again: {problem!r}")

    def _signals(self, until: float) -> set[int]:
        """Wait until then, an order or a signal; give the numbers of the signals."""
        if not self._orders:
            _wait_for(self._woken, until - time.monotonic())
        numbers: set[int] = set()
        with suppress(OSError):  # nothing more is there
            while message := self._woken.recv(4096):
                numbers.update(message)
        return numbers - {0}

    def _obey(self) -> bool:
        """Do what was ordered; False if the thread is to end."""
        while self._orders:
            order = self._orders.popleft()
            if order.ends:
                return False
            order.work()
            order.is_done = True
        return True


class _Order:
    __slots__ = ("ends", "is_done", "work")

    def __init__(self, *, ends: bool, work: Callable[[], None] = lambda: None) -> None:
        self.ends = ends
        self.work = work
        self.is_done = False


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends without waiting, as `signal.set_wakeup_fd` wants it; each byte is a message."""
    ends = socket.socketpair(type=_KIND)
    for end in ends:
        end.settimeout(0)
    return ends


def _wait_for(end: socket.socket, timeout_s: float) -> None:
    """Wait until the socket can be read; unlike `select`, `poll` takes any file descriptor."""
    timeout_s = max(0.0, timeout_s)
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(end.fileno(), select.POLLIN)
        poll.poll(timeout_s * 1000)
    else:
        select.select([end], [], [], timeout_s)
