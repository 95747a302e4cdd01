"""What counts the calls of a node: compiled where it can be, and in Python.

Only the node's own thread counts; any thread may read.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.recording.hot.histogram import Durations

if TYPE_CHECKING:
    from collections.abc import Mapping

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
