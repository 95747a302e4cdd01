"""One clock for spans and hot calls: monotonic, read in nanoseconds, placed on the epoch once.

Durations measured between two system-clock readings can be negative; hot calls would not add up
with spans timed by another clock. So every time of ours is the monotonic clock plus one offset.
"""

from __future__ import annotations

import time

monotonic_ns = time.perf_counter_ns

_SAMPLES = 5


def _measure_offset() -> int:
    """Epoch minus monotonic time, from the reading that the scheduler disturbed least."""
    best: tuple[int, int] | None = None
    for _ in range(_SAMPLES):
        before = monotonic_ns()
        epoch = time.time_ns()
        after = monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, epoch - (before + after) // 2)
    assert best is not None
    return best[1]


_offset = _measure_offset()


def to_epoch_ns(monotonic: int) -> int:
    """Epoch nanoseconds of a reading of `monotonic_ns`."""
    return monotonic + _offset


def now_ns() -> int:
    """Epoch nanoseconds now, by the monotonic clock."""
    return monotonic_ns() + _offset


def measure_again() -> None:
    """Place the monotonic clock on the epoch anew (before the first span of a process)."""
    global _offset  # noqa: PLW0603 - one clock per process is the point
    _offset = _measure_offset()
