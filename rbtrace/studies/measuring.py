"""Measurements within a process: stopwatch, CPU time, memory, bytes that are pickled."""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import wraps
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from pkgutil import resolve_name
from time import perf_counter_ns
from typing import Any, Final, NamedTuple

import psutil
from msgspec import Struct

import rbtrace


class TimedFunction(NamedTuple):
    """A function that is timed: where its caller finds it, and what its spans are called.

    `traced` says that rbtrace's table does not have it: the study marks it itself.
    """

    owner: str
    attribute: str
    span: str
    traced: bool = False


class Stopwatch:
    """Sums up, by phase, the time between the calls of functions and their returns, ns."""

    def __init__(self) -> None:
        self._ns: dict[str, int] = defaultdict(int)

    def attach(self, functions: dict[str, TimedFunction]) -> None:
        """Time functions from now on, outside of what rbtrace does to them."""
        for phase, timed in functions.items():
            owner = resolve_name(timed.owner)
            function = getattr(owner, timed.attribute)
            if timed.traced:
                function = rbtrace.traced(name=timed.span)(function)
            setattr(owner, timed.attribute, self._timed(phase, function))

    def take(self) -> dict[str, int]:
        """The sums since the last call, ns by phase."""
        taken = dict(self._ns)
        self._ns.clear()
        return taken

    def _timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            started = perf_counter_ns()
            try:
                return function(*arguments, **options)
            finally:
                self._ns[phase] += perf_counter_ns() - started

        return timed


def cpu_time_ns(whose: int) -> int:
    """User and system time by `getrusage`: of this process, this thread, or ended children."""
    used = resource.getrusage(whose)
    return round((used.ru_utime + used.ru_stime) * 1e9)


_STATUS: Final = Path("/proc/self/status")


class Memory(NamedTuple):
    """Resident memory of this process, bytes. `peak` is None where the system keeps none."""

    resident: int
    peak: int | None


class ProcessMemory(NamedTuple):
    """Memory of several processes, bytes.

    Attributes:
        resident: sum of what each holds, pages that they share counted for each of them.
        proportional: the same with a shared page divided among those that share it.
    """

    resident: int
    proportional: int


def memory_of(processes: Iterable[int]) -> ProcessMemory:
    """What other processes hold now; those that are gone hold nothing."""
    resident = proportional = 0
    for process in processes:
        kibibytes = _rollup(process)
        resident += kibibytes.get("Rss:", 0)
        proportional += kibibytes.get("Pss:", 0)
    return ProcessMemory(resident, proportional)


def _rollup(process: int) -> dict[str, int]:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return {}
    lines = (line.split() for line in text.splitlines()[1:])
    return {fields[0]: int(fields[1]) * 1024 for fields in lines}


def memory_here() -> Memory:
    """What this process holds now, and the most it ever held."""
    if not _STATUS.exists():
        return Memory(psutil.Process().memory_info().rss, None)
    lines = (line.split() for line in _STATUS.read_text(encoding="ascii").splitlines())
    kibibytes = {fields[0]: fields[1] for fields in lines if fields[0] in {"VmRSS:", "VmHWM:"}}
    return Memory(int(kibibytes["VmRSS:"]) * 1024, int(kibibytes["VmHWM:"]) * 1024)


_TIMES: Final = 200


class Traffic(Struct, kw_only=True):
    """Messages of one direction each; empty ones, which only wake somebody, are left out.

    Attributes:
        sent: messages that were pickled.
        sent_bytes: of all of them.
        sent_ns: spent on pickling them.
        received: messages that were unpickled.
        received_bytes: of all of them.
        received_ns: spent on unpickling them.
    """

    sent: int = 0
    sent_bytes: int = 0
    sent_ns: int = 0
    received: int = 0
    received_bytes: int = 0
    received_ns: int = 0


def pickled(message: Any, dumps: Callable[[Any], Any]) -> tuple[int, int]:
    """Size of a message, and how long it takes to pickle it: bytes, and ns on average."""
    size = len(dumps(message))
    started = perf_counter_ns()
    for _ in range(_TIMES):
        dumps(message)
    return size, (perf_counter_ns() - started) // _TIMES


class TrafficCount:
    """Counts what multiprocessing pickles in this process."""

    def __init__(self) -> None:
        self._now = Traffic()

    def take(self) -> Traffic:
        """What was counted since the last call."""
        taken, self._now = self._now, Traffic()
        return taken

    def attach(self) -> None:
        """Count from now on. A pool sends in one thread and receives in another."""
        dumps, loads = ForkingPickler.dumps, ForkingPickler.loads

        def counted_dumps(message: Any, protocol: int | None = None) -> Any:
            started = perf_counter_ns()
            pickled = dumps(message, protocol)
            if message is not None:
                self._now.sent_ns += perf_counter_ns() - started
                self._now.sent += 1
                self._now.sent_bytes += len(pickled)
            return pickled

        def counted_loads(pickled: Any, /, **options: Any) -> Any:
            started = perf_counter_ns()
            message = loads(pickled, **options)
            if message is not None:
                self._now.received_ns += perf_counter_ns() - started
                self._now.received += 1
                self._now.received_bytes += len(pickled)
            return message

        counted: dict[str, Any] = {"dumps": counted_dumps, "loads": counted_loads}
        for name, function in counted.items():
            setattr(ForkingPickler, name, staticmethod(function))
