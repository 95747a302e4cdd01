"""A signal at regular intervals, for the main thread.

Linux has timers that are a process's own (`timer_create`): they send a real-time signal nobody else
uses, to one thread, and are gone after fork and exec. An interval timer survives exec, where its
SIGALRM ends the new program, and there is only one for each process: elsewhere it is used, if the
program does not use it itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

_SIGEV_THREAD_ID: Final = 4
_CLOCK_MONOTONIC: Final = 1
_CANDIDATES: Final = 16
"""How many signals below SIGRTMAX are tried; libraries that use some begin at SIGRTMIN."""
_NS: Final = 1_000_000_000


class Timer(Protocol):
    """Sends `number` to the main thread from `arm` to `disarm`; one signal is pending at a time."""

    number: int

    def arm(self, interval_ns: int) -> None:
        """Begin; called in the main thread."""

    def slow_down(self, interval_ns: int) -> None:
        """Go on with a longer interval, unless it was disarmed; called in the main thread."""

    def disarm(self) -> None:
        """End; when this returns, no signal is on its way."""

    def forget(self) -> None:
        """In a forked child, where it does not run."""


class _Value(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("pointer", ctypes.c_void_p))


class _SignalEvent(ctypes.Structure):
    _fields_ = (
        ("value", _Value),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("rest", ctypes.c_char * 44),
    )


class _Times(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    )


class ThreadTimer:
    """A POSIX timer that signals the thread that arms it (Linux)."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer: ctypes.c_void_p | None = None

    def arm(self, interval_ns: int) -> None:
        """Begin.

        Raises:
            OSError: the system has no timer left.
        """
        timer = ctypes.c_void_p()
        event = _SignalEvent(
            signal=self.number, notify=_SIGEV_THREAD_ID, thread=threading.get_native_id()
        )
        self._check(
            self._libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer))
        )
        self._timer = timer
        self._check(self._set(timer, interval_ns))

    def slow_down(self, interval_ns: int) -> None:
        """Go on with a longer interval, unless it was disarmed."""
        if self._timer is not None:
            self._set(self._timer, interval_ns)

    def _set(self, timer: ctypes.c_void_p, interval_ns: int) -> int:
        times = _Times(*divmod(interval_ns, _NS), *divmod(interval_ns, _NS))
        return int(self._libc.timer_settime(timer, 0, ctypes.byref(times), None))

    def disarm(self) -> None:
        """End. A signal still pending is delivered as the system call returns."""
        timer, self._timer = self._timer, None
        if timer is not None:
            self._libc.timer_delete(timer)

    def forget(self) -> None:
        """The number of the parent's timer may be another one here."""
        self._timer = None

    @staticmethod
    def _check(returned: int) -> None:
        if returned:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


class AlarmTimer:
    """The process's one interval timer, and SIGALRM."""

    number = int(getattr(signal, "SIGALRM", 0))

    def __init__(self) -> None:
        self._interval_s = 0.0

    def arm(self, interval_ns: int) -> None:
        """Begin."""
        signal.setitimer(signal.ITIMER_REAL, interval_ns / _NS, interval_ns / _NS)
        self._interval_s = signal.getitimer(signal.ITIMER_REAL)[1]

    def slow_down(self, interval_ns: int) -> None:
        """Go on with a longer interval, unless the program has set the timer since."""
        if self._is_ours():
            self.arm(interval_ns)

    def disarm(self) -> None:
        """End, unless the program has set the timer since."""
        if self._is_ours():
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _is_ours(self) -> bool:
        return signal.getitimer(signal.ITIMER_REAL)[1] == self._interval_s

    def forget(self) -> None:
        """The system has done so."""


def free_timer() -> Timer | None:
    """The best timer whose signal the program does not use; None if there is none.

    Call it in the main thread.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            return ThreadTimer(_free_signal())
    return _free_alarm()


def _free_signal() -> int:
    highest: Any = signal.SIGRTMAX
    for number in range(highest - 1, highest - 1 - _CANDIDATES, -1):
        if signal.getsignal(number) is signal.SIG_DFL and not action(number):
            return int(number)
    raise OSError("no real-time signal is free")


def action(number: int) -> int:
    """Address of what the system calls for a signal, however it was set; 0 is the default action.

    Python knows only of the handlers that were set by `signal.signal`.
    """
    present = (ctypes.c_void_p * 64)()  # a `struct sigaction` begins with it, and is not as long
    if ctypes.CDLL(None).sigaction(number, None, ctypes.byref(present)):
        return 0
    return int(present[0] or 0)


def is_blocked(number: int) -> bool:
    """Whether a signal does not reach the calling thread."""
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def is_blocked_in_main_thread(number: int) -> bool:
    """Whether a signal does not reach the main thread, asked in any; False where nobody knows."""
    try:
        status = Path(f"/proc/self/task/{threading.main_thread().native_id}/status").read_text()
        blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
        return bool(int(blocked.split()[1], 16) >> (number - 1) & 1)
    except (OSError, StopIteration, ValueError):
        return False


def _free_alarm() -> AlarmTimer | None:
    if not AlarmTimer.number or signal.getsignal(AlarmTimer.number) is not signal.SIG_DFL:
        return None
    return None if any(signal.getitimer(signal.ITIMER_REAL)) else AlarmTimer()
