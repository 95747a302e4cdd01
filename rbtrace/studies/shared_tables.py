"""What the reports of several studies share: a check by stopwatch, and ratios in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.numbers import count, duration, ratio
from rbtrace.statistics import Comparison


def ratio_interval(found: Comparison | None) -> str:
    """The interval of a ratio; a dash where there is none."""
    if found is None or found.ci is None:
        return "–"
    return " … ".join(ratio(end) for end in found.ci)


def ratio_with_interval(found: Comparison) -> str:
    """A ratio, and its interval if there is one: `1.93 (95 %: 1.88 … 1.98)`."""
    told = ratio(found.ratio)
    return told if found.ci is None else f"{told} (95 %: {ratio_interval(found)})"


def number_of_workers(number: int) -> str:
    """`1 worker`, `2 workers`."""
    return "1 worker" if number == 1 else f"{number} workers"


STOPWATCH_TITLE: Final = "Check: a stopwatch that is not rbtrace"
STOPWATCH_COLUMNS: Final = ("calls", "stopwatch", "rbtrace", "rbtrace ÷ stopwatch")
STOPWATCH_NOTE: Final = (
    "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
    "total of their spans. The stopwatch stands outside of the tracing, so it is a little "
    "longer."
)


class TwoClocks(NamedTuple):
    """All calls of one name by two clocks, ns.

    Attributes:
        calls: how many spans there are.
        stopwatch: what a stopwatch around them shows.
        spans: what their spans add up to; None where there are none.
    """

    calls: int
    stopwatch: int
    spans: int | None

    @property
    def ratio(self) -> float | None:
        """Spans ÷ stopwatch; None where either is missing."""
        return self.spans / self.stopwatch if self.spans is not None and self.stopwatch else None

    @property
    def cells(self) -> list[str]:
        """The two beside each other, in the order of `STOPWATCH_COLUMNS`."""
        ratio = "–" if self.ratio is None else f"{self.ratio:.5f}"
        return [count(self.calls), duration(self.stopwatch), duration(self.spans), ratio]


def two_clocks(told: Mapping[str, int], results: Results) -> dict[str, TwoClocks]:
    """Compare what a stopwatch showed with the spans, by the name of the spans.

    Args:
        told: by the stopwatch, ns.
        results: the analysis of the same processes.
    """
    operations = {one.name: one for one in results.operations}
    return {
        span: TwoClocks(operations[span].calls, ns, operations[span].total_ns)
        if span in operations
        else TwoClocks(0, ns, None)
        for span, ns in told.items()
    }
