"""Memory of a call over time, with that of the processes it starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psutil

_INTERVAL_S: Final = 0.02


class MemoryPoint(NamedTuple):
    """Memory at a time: ns since the call began, bytes."""

    time_ns: int
    bytes: int


class MemoryProfile[T](NamedTuple):
    """What a function returned, and the memory it was run in; all in bytes.

    `timeline` is the resident memory of this process, and of its child processes what is theirs
    alone, since what they share with this one is counted here. `peak` may be above all of it: the
    system has seen what came and went between two points.
    """

    result: T
    timeline: list[MemoryPoint]
    peak: int

    @property
    def start(self) -> int:
        """Memory before the call."""
        return self.timeline[0].bytes

    @property
    def increase(self) -> int:
        """How far the peak is above the start."""
        return self.peak - self.start


def profile_memory[T](func: Callable[..., T], *args: Any, **kwargs: Any) -> MemoryProfile[T]:
    """Call a function and watch the memory of this process and of its children.

    Args:
        func: what to call.
        args: its positional arguments.
        kwargs: its keyword arguments.

    Returns:
        The result of the call, a point every 20 ms and one at each end, and the peak.
    """
    watcher = _MemoryWatcher()
    thread = threading.Thread(target=watcher.run, name="rbtrace-memory", daemon=True)
    thread.start()
    try:
        result = func(*args, **kwargs)
    finally:
        watcher.over.set()
        thread.join()
        watcher.add_point()
    return MemoryProfile(result, watcher.timeline, watcher.peak())


class _MemoryWatcher:
    """Adds a point to the timeline at each interval, until it is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.timeline: list[MemoryPoint] = []
        self._process = psutil.Process()
        self._highest_before = _highest()
        self._started = time.perf_counter_ns()
        self.add_point()

    def run(self) -> None:
        while not self.over.wait(_INTERVAL_S):
            self.add_point()

    def add_point(self) -> None:
        used = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                used += child.memory_full_info().uss
            except psutil.Error:
                continue  # it has ended meanwhile
        self.timeline.append(MemoryPoint(time.perf_counter_ns() - self._started, used))

    def peak(self) -> int:
        """The highest point; or this process's own, if it was never as high before."""
        seen = max(point.bytes for point in self.timeline)
        highest = _highest()
        return max(seen, highest) if highest > self._highest_before else seen


def _highest() -> int:
    """The most resident memory this process ever had, bytes; 0 where the system does not say."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if psutil.MACOS else most * 1024
