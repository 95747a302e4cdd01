"""The table of spans: numpy columns, times in integer nanoseconds, texts as codes.

It takes less than 50 bytes per span. Rows are in no particular order; `parent` is a row. Anomalies
have been corrected and counted: each span occurs once, parents are joined, cycles are cut, and no
end is before its start.

The histograms of summary spans are flat columns, too. A bucket is represented by its harmonic
middle, 2·low·high ÷ (low + high): the value whose relative distance to both edges is the same. It
is clamped to the shortest and longest call of its summary, and to both for the first and last
bucket, whose outer edges are not written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT, family_ranges
from rbtrace.analysis.arrays import Codes, Ids, Ints, Labels, Mask
from rbtrace.analysis.attributes import Origin, OwnAttributes, Summary

_ROWS_AT_A_TIME: Final = 1 << 16
_LONGEST_CALL_S: Final = 4e9
"""Longer than any call, s; stands for the +Inf of the last bucket."""


class RunOrigin(NamedTuple):
    """A run: its id, and the arm, pair and order that were configured for a comparison."""

    run_id: str
    arm: str | None = None
    pair: int | None = None
    order: int | None = None


@dataclass(slots=True)
class Anomalies:
    """Numbers of faulty spans, by kind of fault."""

    duplicates: int = 0
    orphans: int = 0
    cycles: int = 0
    unfinished: int = 0
    negative: int = 0
    without_start: int = 0


class Buckets(NamedTuple):
    """Occupied buckets: index of the summary, representative duration (ns), calls in it."""

    summary: Ints
    middle_ns: Ints
    calls: Ints

    def of(self, kept: Mask) -> Buckets:
        """The buckets of the summaries that are kept, which are numbered anew."""
        number = np.cumsum(kept) - 1
        chosen = kept[self.summary]
        return Buckets(number[self.summary[chosen]], self.middle_ns[chosen], self.calls[chosen])

    def between(self, first: int, last: int) -> Buckets:
        """The buckets of the summaries from `first` to before `last`, numbered from 0."""
        begin, end = np.searchsorted(self.summary, (first, last)).tolist()
        part = slice(begin, end)
        return Buckets(self.summary[part] - first, self.middle_ns[part], self.calls[part])

    @classmethod
    def joined(cls, parts: Sequence[Buckets], first: Sequence[int]) -> Buckets:
        """The buckets of all parts; `first` has the index of the first summary of each."""
        return cls(
            np.concatenate([part.summary + at for part, at in zip(parts, first, strict=True)]),
            np.concatenate([part.middle_ns for part in parts]),
            np.concatenate([part.calls for part in parts]),
        )


def buckets_of(summaries: Sequence[Summary]) -> Buckets:
    """Flatten the histograms of summaries.

    A summary without a histogram (a collector may leave it out) gets one bucket at its mean.
    """
    if not summaries:
        none = np.zeros(0, np.int64)
        return Buckets(none, none, none)
    index: list[int] = []
    upper: list[float] = []
    cumulative: list[int] = []
    opens: list[bool] = []
    for position, summary in enumerate(summaries):
        bounds = summary.bounds or [summary.total / 1e9 / max(1, summary.calls)]
        counts = summary.counts or [summary.calls, summary.calls]
        index += [position] * len(counts)
        upper += bounds
        upper.append(np.inf)
        cumulative += counts
        opens += [True] + [False] * len(bounds)
    owner = np.array(index, np.int64)
    opening = np.array(opens, np.bool_)
    reached = np.array(cumulative, np.int64)
    calls = reached - np.where(opening, 0, np.roll(reached, 1))
    bound_ns = np.nan_to_num(np.clip(np.array(upper, np.float64), 0, _LONGEST_CALL_S)) * 1e9
    edge = np.rint(bound_ns).astype(np.int64)
    shortest = np.array([summary.shortest for summary in summaries], np.int64)[owner]
    longest = np.array([summary.longest for summary in summaries], np.int64)[owner]
    low = np.clip(np.where(opening, 0, np.roll(edge, 1) + 1), shortest, None).astype(np.float64)
    high = np.minimum(edge, longest).astype(np.float64)
    with np.errstate(invalid="ignore"):
        middle = np.where(low + high > 0, 2 * low * (high / (low + high)), 0)
    exact = np.array([not summary.bounds for summary in summaries], np.bool_)[owner]
    middle = np.where(exact, edge, np.rint(middle))
    occupied = calls > 0
    clamped = np.clip(middle, shortest, np.maximum(shortest, longest)).astype(np.int64)
    return Buckets(owner[occupied], clamped[occupied], calls[occupied])


@dataclass(slots=True)
class Summaries:
    """The summary spans: their rows, ascending, and figures in the same order; times in ns."""

    row: Codes
    calls: Ints
    total: Ints
    shortest: Ints
    longest: Ints
    self_ns: Ints
    last_end: Ints
    buckets: Buckets

    def between(self, first: int, last: int) -> Summaries:
        """The summaries among the rows from `first` to before `last`, rows numbered from 0."""
        begin, end = np.searchsorted(self.row, (first, last)).tolist()
        part = slice(begin, end)
        return Summaries(
            (self.row[part] - first).astype(np.int32),
            self.calls[part],
            self.total[part],
            self.shortest[part],
            self.longest[part],
            self.self_ns[part],
            self.last_end[part],
            self.buckets.between(begin, end),
        )


@dataclass(slots=True)
class SpanTable:
    """Spans as columns; see the module.

    Every span is one of `real`, `summary`, `exemplar` and `implicit`. `real_parent` is the row of
    the nearest real ancestor, -1 for none. A thread or category that is not known is "".
    `clock_shifts` says by how many ns the spans of a process were moved, by its name.
    """

    span_id: Ids
    parent: Codes
    start: Ints
    end: Ints
    name: Labels
    category: Labels
    thread: Labels
    process: Labels
    run: Labels
    real: Mask
    summary: Mask
    exemplar: Mask
    implicit: Mask
    adopted: Mask
    names: list[str]
    categories: list[str]
    processes: list[Origin]
    runs: list[RunOrigin]
    summaries: Summaries
    own_attributes: dict[int, OwnAttributes]
    anomalies: Anomalies
    real_parent: Codes
    clock_shifts: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of spans."""
        return int(self.span_id.size)

    @property
    def nbytes(self) -> int:
        """Memory of the columns; arrays that two of them share count once."""
        columns = (getattr(self, column_field.name) for column_field in fields(self))
        arrays = {id(column): column.nbytes for column in columns if isinstance(column, np.ndarray)}
        return sum(arrays.values())

    @property
    def duration(self) -> Ints:
        """End minus start of each span, ns. Meaningless for summaries, whose times are drawn."""
        return self.end - self.start

    def families(self) -> Iterator[tuple[slice, SpanTable]]:
        """The table in parts, each of some complete families, with its rows numbered from 0.

        The parts have no own attributes. The temporary arrays of an analysis are then as large as a
        part, and fit the processor's cache. If spans were read in disorder, there may be one part.
        """
        for first, last in family_ranges(self.parent, _ROWS_AT_A_TIME):
            part = slice(first, last)
            columns: dict[str, Any] = {
                column_field.name: column[part]
                for column_field in fields(self)
                if isinstance(column := getattr(self, column_field.name), np.ndarray)
            }
            for name in ("parent", "real_parent"):
                above = columns[name]
                columns[name] = np.where(above == NO_PARENT, NO_PARENT, above - first)
            summaries = self.summaries.between(first, last)
            yield part, replace(self, **columns, summaries=summaries, own_attributes={})

    def name_of(self, row: int) -> str:
        """The name of a span."""
        return self.names[int(self.name[row])]

    def process_of(self, row: int) -> str:
        """The process of a span, as reports show it."""
        return self.processes[int(self.process[row])].process


class Weights(NamedTuple):
    """Calls and total time (ns) of every span; both 0 for exemplars and implicit spans."""

    calls: Ints
    total_ns: Ints


def weigh(table: SpanTable) -> Weights:
    """Count every call once: in its own span, or in its summary."""
    calls = table.real.astype(np.int64)
    total = np.where(table.real, table.duration, 0)
    calls[table.summaries.row] = table.summaries.calls
    total[table.summaries.row] = table.summaries.total
    return Weights(calls, total)
