"""What counts the calls of a node: their number, extremes, histogram and the slowest of them.

Only the node's own thread counts, compiled where it can be; any thread may read.

A histogram has eight buckets per octave: two durations share a bucket when they have the same bit
length and the same three bits after the first. A bucket is named by its greatest member, which is
the duration with all lower bits set: `duration | mask`. A quantile read from the histogram is
therefore within 6 % of the true one.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from rbtrace.recording.hot.compiled import COMPILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXEMPLARS: Final = 10
"""Slowest calls kept per node, and per enclosing span."""
FOLD_AT: Final = 1024
"""Raw durations that are kept before they are folded."""


class _Folded:
    """Folded durations and the list that collects what comes after them.

    The two change together in one assignment, so that another thread never counts a call twice.
    """

    __slots__ = ("_read", "pending")

    def __init__(self, durations: Durations) -> None:
        self.pending: list[int] = []
        self._read = (0, durations)

    def so_far(self) -> Durations:
        """All durations; asking again takes only what came since."""
        count, durations = self._read
        batch = self.pending[count:]
        if batch:
            durations = durations.plus(batch)
            self._read = (count + len(batch), durations)
        return durations


class PlainTally:
    """Counts the calls of a node.

    Attributes:
        started: monotonic start of the outermost call in progress, ns; 0 when there is none.
        ended: monotonic end of the last call, ns.
        errors: calls that raised.
    """

    __slots__ = ("_floor", "_folded", "_slowest", "ended", "errors", "started")

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0
        self.errors = 0
        self._floor = -1
        self._slowest: list[tuple[int, int]] = []
        self._folded = _Folded(Durations())

    def note(self, duration: int, start: int) -> None:
        """Count a call that has ended, ns; keep it if it was slow."""
        pending = self._folded.pending
        pending.append(duration)
        if len(pending) >= FOLD_AT:
            self._folded = _Folded(self._folded.so_far())
        if duration > self._floor:
            self._keep(duration, start)

    def end(self, now: int) -> None:
        """The call in progress has ended; note it."""
        start = self.started
        self.started = 0
        self.ended = now
        self.note(now - start, start)

    def _keep(self, duration: int, start: int) -> None:
        if len(self._slowest) < EXEMPLARS:
            heapq.heappush(self._slowest, (duration, start))
        else:
            heapq.heapreplace(self._slowest, (duration, start))
        if len(self._slowest) == EXEMPLARS:
            self._floor = self._slowest[0][0]

    def slowest(self) -> list[tuple[int, int]]:
        """Duration and start of the slowest calls so far, ns, in any order."""
        return self._slowest.copy()

    def counted(self) -> tuple[int, int, int, int, Mapping[int, int]]:
        """The fields of `Durations`."""
        return self._folded.so_far()


Tally = PlainTally
if not TYPE_CHECKING and COMPILED is not None:
    Tally = COMPILED.Tally


_SIGNIFICANT_BITS: Final = 4
_LONGEST_BITS: Final = 128
_LOWER_BITS: Final = tuple(
    (1 << max(0, length - _SIGNIFICANT_BITS)) - 1 for length in range(_LONGEST_BITS)
)


def bucket(duration_ns: int) -> int:
    """The greatest duration, ns, in the bucket of this one (`duration_ns` ≥ 0)."""
    return duration_ns | _LOWER_BITS[duration_ns.bit_length()]


def lower_edge(upper_ns: int) -> int:
    """The greatest duration, ns, in the bucket below the one whose greatest is `upper_ns`.

    −1 below the bucket of zero.
    """
    width = _LOWER_BITS[upper_ns.bit_length()] + 1
    return upper_ns - width


def counted(ordered: Sequence[int]) -> dict[int, int]:
    """Bucket → how many, of raw durations in ascending order, ns."""
    buckets = {}
    reached = 0
    while reached < len(ordered):
        upper = bucket(ordered[reached])
        beyond = bisect_right(ordered, upper, reached)
        buckets[upper] = beyond - reached
        reached = beyond
    return buckets


def edges(buckets: Mapping[int, int]) -> tuple[list[float], list[int]]:
    """The edges of the occupied buckets, s, ascending, and how many durations are up to each."""
    bounds: list[float] = []
    cumulative: list[int] = []
    reached, edge = 0, -1
    for upper in sorted(buckets):
        lower = lower_edge(upper)
        if lower > edge:
            bounds.append(lower / 1e9)
            cumulative.append(reached)
        reached += buckets[upper]
        edge = upper
        bounds.append(upper / 1e9)
        cumulative.append(reached)
    return bounds, cumulative


def _quick_edges(buckets: Mapping[int, int]) -> tuple[list[float], list[int]]:
    if COMPILED is None:
        return edges(buckets)
    try:
        return COMPILED.edges(buckets)
    except OverflowError:
        return edges(buckets)


class Durations(NamedTuple):
    """Folded durations of calls, ns. An empty one has `shortest` −1."""

    calls: int = 0
    total: int = 0
    shortest: int = -1
    longest: int = 0
    buckets: Mapping[int, int] = {}

    def plus(self, batch: list[int]) -> Durations:
        """These and a batch of raw durations."""
        if not batch:
            return self
        ordered = sorted(batch)
        buckets = dict(self.buckets)
        for upper, count in counted(ordered).items():
            buckets[upper] = buckets.get(upper, 0) + count
        shortest, longest = ordered[0], ordered[-1]
        return Durations(
            calls=self.calls + len(batch),
            total=self.total + sum(batch),
            shortest=shortest if self.shortest < 0 else min(self.shortest, shortest),
            longest=max(self.longest, longest),
            buckets=buckets,
        )

    def histogram(self) -> tuple[list[float], list[int]]:
        """Explicit bounds, s, and cumulative counts, one more than bounds (+Inf last).

        Only occupied buckets are listed, each with the lower edge of its bucket.
        """
        bounds, cumulative = _quick_edges(self.buckets)
        return bounds, [*cumulative, self.calls]
