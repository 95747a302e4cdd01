"""Threads of ours in somebody else's program, and the greenlets of the program.

They are native although gevent or eventlet has replaced `threading`; they are not among
`threading.enumerate()`, which programs wait on, and no trace function of the program's is set in
them. They take no signals: one that the program blocks everywhere in order to wait for it would be
delivered to them. And when one has been joined it is gone for the system too, so that a fork does
not warn of threads that the program has not started.

Greenlets are threads of their own to tracing, which take turns in one thread of the system:
everywhere a thread is known by its number, a greenlet has one, too. Nothing is imported: a program
that has no greenlets has not loaded their library.
"""

from __future__ import annotations

import _thread
import inspect
import os
import signal
import sys
import threading
import weakref
from contextlib import suppress
from time import monotonic
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AGAIN_AFTER_S: Final = 1.0
"""Pause after a thread could not be started."""
_GONE_S: Final = 0.2
"""How long a thread that has ended may take to leave the system."""


def original(module: str, name: str) -> Any:
    """A function of the standard library, although gevent, eventlet or we have replaced it."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    try:
        if gevent is not None:
            return inspect.unwrap(gevent.get_original(module, name))
        if eventlet is not None:
            return inspect.unwrap(getattr(eventlet.original(module), name))
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        warn_once("original", f"uses {module}.{name} as it is patched: {problem!r}")
    return inspect.unwrap(getattr(sys.modules[module], name))


def are_replaced() -> bool:
    """Whether gevent or eventlet has replaced threads.

    What waits for the network would block the program, or fail, in a thread of the system's.
    """
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None:
        return bool(gevent.is_module_patched("threading"))
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))


def new_lock() -> _thread.LockType:
    """A lock of the interpreter's own."""
    lock: _thread.LockType = original("_thread", "allocate_lock")()
    return lock


class Wake:
    """Lets one thread wait until another says that there is something to do."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._lock.acquire()

    def set(self) -> None:
        """Let `wait` return, now or the next time."""
        with suppress(RuntimeError):  # it is set
            self._lock.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long at most for a `set`; say whether there was one."""
        return self._lock.acquire(timeout=max(0.0, timeout_s))


class BackgroundThread:
    """A thread that can be started, ended and started again."""

    def __init__(self, run: Callable[[], None]) -> None:
        """Make a thread that does not run yet.

        Args:
            run: what it does; the caller has a way to make it return.
        """
        self._run = run
        self._starting = new_lock()
        self._running: _thread.LockType | None = None
        self._native_id = 0
        self._ident = 0
        self._again_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not been joined since."""
        return self._running is not None

    @property
    def is_current(self) -> bool:
        """Whether this is the calling thread."""
        return self._ident == _thread.get_ident() and self.is_running

    def start(self) -> bool:
        """Start it if it does not run; say whether it runs now."""
        if self._running is not None:
            return True
        with self._starting:
            return self._running is not None or self._start()

    def _start(self) -> bool:
        if monotonic() < self._again_at:
            return False
        running = new_lock()
        running.acquire()

        def run() -> None:
            self._ident, self._native_id = _thread.get_ident(), _thread.get_native_id()
            _idents.add(self._ident)
            try:
                self._run()
            except BaseException as problem:  # noqa: BLE001 - nobody else sees it
                warn_once("thread", f"a thread of tracing's own has ended: {problem!r}")
            finally:
                forget_stand_in()
                _idents.discard(self._ident)
                running.release()

        self._running = running
        try:
            _start_without_signals(run)
        except Exception:  # noqa: BLE001 - the interpreter is shutting down, or a limit is reached
            self._running = None
            self._again_at = monotonic() + AGAIN_AFTER_S
            return False
        return True

    def join(self, timeout_s: float) -> bool:
        """Wait so long at most until it has ended; say whether it has."""
        running = self._running
        if running is None or self.is_current:
            return True
        if not running.acquire(timeout=max(0.0, timeout_s)):
            return False
        wait_until_gone([self._native_id])
        self._running = None
        return True

    def forget(self) -> None:
        """In a forked child, where it does not run."""
        self._starting = new_lock()
        self._running = None


_idents: Final[set[int]] = set()


def is_background_thread(ident: int | None) -> bool:
    """Whether a thread of this process is one of ours."""
    return ident in _idents


def forget_stand_in() -> None:
    """Take the calling thread out of what `threading` lists.

    It is there from the first `threading.current_thread()`, which exporters and logging call.
    """
    listed = getattr(threading, "_active", {})
    if type(listed.get(_thread.get_ident())).__name__ == "_DummyThread":
        del listed[_thread.get_ident()]


def _start_without_signals(run: Callable[[], None]) -> None:
    start_new_thread = original("_thread", "start_new_thread")
    if not hasattr(signal, "pthread_sigmask"):
        start_new_thread(run, ())
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:  # a handler of the program's may raise here, after signals were blocked
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        start_new_thread(run, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def native_threads() -> frozenset[int]:
    """All threads of this process, also those of extensions (Linux; elsewhere none)."""
    with suppress(OSError):
        return frozenset(map(int, os.listdir("/proc/self/task")))  # noqa: PTH208 - names, not paths
    return frozenset()


def wait_until_gone(native_ids: Iterable[int]) -> None:
    """Wait, not for ever, until threads that have ended are threads no longer (Linux).

    The system counts them until then, and so does `os.fork`, which warns of threads.
    """
    sleep, until = original("time", "sleep"), monotonic() + _GONE_S
    for native_id in native_ids:
        path = f"/proc/self/task/{native_id}"
        while os.path.exists(path) and monotonic() < until:  # noqa: PTH110 - as Path, slower
            sleep(0)


_greenlets: dict[int, weakref.ref[Any]] = {}


def running_greenlet() -> Any | None:
    """The running greenlet; None in the one every thread has from the start."""
    library = sys.modules.get("greenlet")
    if not isinstance(library, ModuleType):
        return None
    getcurrent = vars(library).get("getcurrent")  # not while it is being imported
    greenlet = getcurrent() if isinstance(getcurrent, BuiltinFunctionType) else None
    return None if greenlet is None or greenlet.parent is None else greenlet


def current_ident() -> int:
    """The number of the running greenlet or thread, unique among those that are alive."""
    greenlet = running_greenlet()
    if greenlet is None:
        return threading.get_ident()
    number = id(greenlet)
    if number not in _greenlets:
        _greenlets[number] = weakref.ref(greenlet)
    return number


def live_greenlets() -> set[int]:
    """The numbers of the greenlets that have asked for one and are not over."""
    numbers = set()
    for number, reference in list(_greenlets.items()):
        greenlet = reference()
        if greenlet is None or greenlet.dead:
            _greenlets.pop(number, None)
        else:
            numbers.add(number)
    return numbers
