"""Ends a process whose pool has lost a worker, which would otherwise wait without end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.process import BaseProcess
from typing import Final

import psutil

from rbtrace.comparison.bench.processes import left_with
from rbtrace.errors import RbtraceError

_PR_SET_CHILD_SUBREAPER: Final = 36
_FOREVER_S: Final = 1e6


def end_with_a_dead_worker() -> None:
    """Let this process end, with one line that says why, when a process it started dies.

    An exception would not do: rustybt catches it, and closing the pool waits for the lost task.
    Calling it again is harmless.
    """
    global _watch  # noqa: PLW0603 - one for each process
    if _watch is None:
        _watch = _Watch()


class _Watch:
    """Waits for the end of every process that multiprocessing starts here, until it has ended.

    A pool itself looks at its workers only while it has tasks: one that is killed while the pool
    closes would take the lock of the queue along, for which the others would wait.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._starting = threading.Lock()
        self._asked: set[BaseProcess] = set()
        self._started: list[BaseProcess] = []
        self._woken, self._wake = Pipe(duplex=False)
        self._replace_methods()
        _adopt_orphans()
        threading.Thread(target=self._run, name="dead-workers", daemon=True).start()

    def _replace_methods(self) -> None:
        start, terminate = BaseProcess.start, BaseProcess.terminate

        def started(process: BaseProcess) -> None:
            if os.getpid() != self._pid:  # a worker has workers of its own
                start(process)
                return
            with self._starting:  # a worker forked meanwhile would keep the other's sentinel open
                start(process)
                self._started.append(process)
            self._wake.send_bytes(b"\0")

        def terminated(process: BaseProcess) -> None:
            self._asked.add(process)
            terminate(process)

        methods = {"start": started, "terminate": terminated}
        for name, method in methods.items():
            setattr(BaseProcess, name, method)

    def _run(self) -> None:
        watched: dict[int | Connection, BaseProcess] = {}
        while True:
            for ready in wait([self._woken, *watched]):
                if isinstance(ready, Connection):
                    self._woken.recv_bytes()
                    process = self._started.pop()
                    watched[_exit_event(process)] = process
                elif isinstance(ready, int):
                    self._ended(watched.pop(ready))
                    os.close(ready)

    def _ended(self, process: BaseProcess) -> None:
        code = _exit_code(process)
        ended_by_program = process in self._asked and code != -signal.SIGKILL
        self._asked.discard(process)
        if code and not ended_by_program:
            self._starting.acquire()  # and never released: nothing more is started
            _end(f"worker {process.pid} {left_with(code)}, and its task with it")


_watch: _Watch | None = None


def _adopt_orphans() -> None:
    """What a worker has started is this process's once the worker is dead (Linux)."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _exit_event(process: BaseProcess) -> int:
    """A descriptor that can be read once the process has ended."""
    if hasattr(os, "pidfd_open") and process.pid is not None:
        with suppress(OSError):  # it has ended, and the pool knows already
            return os.pidfd_open(process.pid)
    return os.dup(process.sentinel)


def _exit_code(process: BaseProcess) -> int:
    """The exit code of a process that has ended; a thread of the pool may be about to note it."""
    while True:
        try:
            code = process.exitcode
        except ValueError:
            return 0  # the program has closed the object, so it knows
        if code is not None:
            return code
        time.sleep(0)


def _end(message: str) -> None:
    """End everything this process has started, then this process.

    All are stopped before one is killed, so that none starts another one meanwhile; and no other
    thread runs between the first that is killed and the end.
    """
    stopped: set[int] = set()
    while running := {child.pid for child in psutil.Process().children(recursive=True)} - stopped:
        for pid in running:
            _send(pid, signal.SIGSTOP)
        stopped |= running
    text = f"{message}: the pool would wait for its result without end\n"
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
    sys.setswitchinterval(_FOREVER_S)
    for pid in stopped:
        _send(pid, signal.SIGKILL)
    os._exit(RbtraceError.exit_code)


def _send(pid: int, number: int) -> None:
    with suppress(OSError):
        os.kill(pid, number)
