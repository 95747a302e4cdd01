"""Parts that the reports of several studies share: columns, medians, ratios, stopwatch checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Column, Table
from rbtrace.reporting.numbers import count, duration, interval, percent, ratio
from rbtrace.statistics import Comparison
from rbtrace.studies.batches import WAY_NAMES, Point


def median_of_known(values: Iterable[float | None]) -> float | None:
    """The median of the values that are known; None where none is."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def ratio_interval(compared: Comparison | None, decimals: int = 2) -> str:
    """The interval of a ratio; a dash where there is none."""
    if compared is None or compared.ci is None:
        return "–"
    return " … ".join(ratio(end, decimals=decimals) for end in compared.ci)


def ratio_with_interval(compared: Comparison) -> str:
    """A ratio, and its interval if there is one: `1.93 (95 %: 1.88 … 1.98)`."""
    text = ratio(compared.ratio)
    return text if compared.ci is None else f"{text} (95 %: {ratio_interval(compared)})"


def share_with_interval(share: float | None, ci: tuple[float, float] | None) -> str:
    """A share, and its interval if there is one: `58.4 % (57.0 … 59.8 %)`."""
    return percent(share) + (f" ({interval(ci)})" if ci else "")


def number_of_workers(number: int) -> str:
    """`1 worker`, `2 workers`."""
    return "1 worker" if number == 1 else f"{number} workers"


def median_column[K, R](
    title: str,
    groups: Mapping[K, Sequence[R]],
    value: Callable[[R], float | None],
    show: Callable[[float | None], str] = duration,
) -> Column[K]:
    """A column, in a table with a row of each group, of the median of a value that runs have."""
    return Column(title, lambda key: show(median_of_known(map(value, groups[key]))))


WAY_COLUMNS: Final[list[Column[Point]]] = [
    Column("way", lambda point: WAY_NAMES[point[0]], right=False),
    Column("workers", lambda point: str(point[1])),
]
"""The first columns of a table with a row of each way of evaluating and number of workers."""


STOPWATCH_TITLE: Final = "Check: a stopwatch that is not rbtrace"


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


def two_clocks(stopwatch: Mapping[str, int], results: Results) -> dict[str, TwoClocks]:
    """Compare what a stopwatch showed with the spans, by the name of the spans.

    Args:
        stopwatch: what it showed, ns.
        results: the analysis of the same processes.
    """
    operations = {operation.name: operation for operation in results.operations}
    return {
        span: TwoClocks(operations[span].calls, ns, operations[span].total_ns)
        if span in operations
        else TwoClocks(0, ns, None)
        for span, ns in stopwatch.items()
    }


def stopwatch_table(
    named: Sequence[Column[tuple[str, TwoClocks]]], compared: Mapping[str, TwoClocks]
) -> Table:
    """What the spans say, beside a stopwatch around the same calls.

    Args:
        named: the columns that say what was called.
        compared: the two clocks, by the name of what was called.
    """
    columns: list[Column[tuple[str, TwoClocks]]] = [
        *named,
        Column("calls", lambda row: count(row[1].calls)),
        Column("stopwatch", lambda row: duration(row[1].stopwatch)),
        Column("rbtrace", lambda row: duration(row[1].spans)),
        Column("rbtrace ÷ stopwatch", lambda row: ratio(row[1].ratio, decimals=5)),
    ]
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "total of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    return Table.of(STOPWATCH_TITLE, columns, compared.items(), note)
