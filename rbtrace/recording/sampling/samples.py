"""Samples between the sampler that takes them and the file that keeps them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from rbtrace.conventions import NO_PYTHON
from rbtrace.recording.sampling.pace import Pace
from rbtrace.recording.sampling.stacks import StackTable

FULL: Final = 65_536
"""Samples that wait to be written; of more, the oldest are dropped and counted."""
LATE: Final = 2
"""A sample that comes after more than so many intervals was held up: no Python ran meanwhile."""


class SpanReference(NamedTuple):
    """What the program is in: ids of the innermost span or summary (0: none), and a boundary.

    `since` is when the innermost real span began, epoch ns, and `outside` the id of its parent.
    """

    trace_id: int = 0
    span_id: int = 0
    since: int = 0
    outside: int = 0


class Sample(NamedTuple):
    """One stack: when it was seen, epoch ns, for how long it stands, ns, and where it was."""

    time: int
    weight: int
    stack: int
    trace_id: int
    span_id: int


class Samples:
    """Takes samples; the thread that is sampled calls `take`, another one `drain`.

    A sample weighs all ticks that fell due since the one before, not one: while an extension holds
    the interpreter no signal handler runs, and that time is the extension's. It does not weigh the
    time since the one before: a sample that is a little late would take from the next one, and
    what makes samples late would look larger than it is.
    """

    def __init__(
        self,
        interval_ns: int,
        clock: Callable[[], int],
        innermost_span: Callable[[], SpanReference],
    ) -> None:
        """Take no sample yet.

        Args:
            interval_ns: the interval that is asked for, ns.
            clock: gives the time, epoch ns.
            innermost_span: says what span the calling thread is in.
        """
        self.stacks = StackTable()
        self.taken = 0
        self._drained = 0
        self.pace = Pace(interval_ns)
        self._interval_ns = self.pace.interval_ns
        self._clock = clock
        self._innermost_span = innermost_span
        self._waiting: deque[Sample] = deque(maxlen=FULL)
        self._origin = 0
        self._last_tick = 0

    def begin(self) -> None:
        """Ticks are counted from now."""
        self._origin = self._last_tick = self._clock()
        self.pace.begin()

    def cost(self, cost_ns: int) -> bool:
        """Note what the latest sample cost, ns of processor; say whether ticks are rarer now."""
        if not self.pace.is_too_fast(cost_ns):
            return False
        self._origin = self._last_tick  # nothing that has passed is lost or counted twice
        self._interval_ns = self.pace.interval_ns
        return True

    def take(self, stack: int) -> None:
        """The calling thread is in this stack."""
        now = self._clock()
        tick = self._tick_before(now)
        last, self._last_tick = self._last_tick, tick
        span = self._innermost_span()
        weight = tick - last
        if weight > LATE * self._interval_ns and last < span.since < now:
            # The span cannot have been held up before it began.
            before = self._tick_before(span.since) - last
            self._put(
                Sample(
                    span.since, before, self.stacks.of_name(NO_PYTHON),
                    span.trace_id if span.outside else 0, span.outside,
                )
            )  # fmt: skip
            weight -= before
        self._put(Sample(now, weight, stack, span.trace_id, span.span_id))

    def _tick_before(self, time: int) -> int:
        return time - (time - self._origin) % self._interval_ns

    def _put(self, sample: Sample) -> None:
        if sample.weight:
            self.taken += 1
            self._waiting.append(sample)

    def drain(self) -> list[Sample]:
        """The samples that wait, which do so no longer."""
        drained = []
        while self._waiting:
            drained.append(self._waiting.popleft())
        self._drained += len(drained)
        return drained

    @property
    def overflowed(self) -> int:
        """How many were dropped because nobody drained them; exact while none is taken."""
        return max(0, self.taken - self._drained - len(self._waiting))
