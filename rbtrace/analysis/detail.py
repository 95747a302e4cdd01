"""Details of a full report: the timeline, and histograms of the durations of operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import depths
from rbtrace.analysis.arrays import Ints, starts_of_runs
from rbtrace.analysis.table import SpanTable

LONGEST_TIMELINE: Final = 10_000
"""Spans of a timeline: the longest, where there are more."""


class TimelineSpan(Struct, frozen=True, gc=False):
    """A real span: its times (epoch ns), process, and number of real ancestors."""

    name: str
    start_ns: int
    end_ns: int
    process: str
    depth: int


class DurationHistogram(Struct, frozen=True, gc=False):
    """Durations of all calls of one name: calls in each occupied bucket.

    `upper_ns` are the inclusive upper bounds of the buckets, eight to an octave. Calls that were
    recorded in a summary are in the bucket of the middle of their own.
    """

    name: str
    upper_ns: list[int]
    calls: list[int]


def timeline(table: SpanTable) -> list[TimelineSpan]:
    """The real spans in order of start, of more than `LONGEST_TIMELINE` the longest."""
    rows = np.flatnonzero(table.real)
    if rows.size > LONGEST_TIMELINE:
        rows = rows[np.lexsort((table.span_id[rows], -table.duration[rows]))[:LONGEST_TIMELINE]]
    depth, _ = depths(table.real_parent)
    return in_timeline_order(
        TimelineSpan(
            table.name_of(row),
            int(table.start[row]),
            int(table.end[row]),
            table.process_of(row),
            int(depth[row]),
        )
        for row in rows.tolist()
    )


def in_timeline_order(spans: Iterable[TimelineSpan]) -> list[TimelineSpan]:
    """Spans by start, parents before children; the order of reading does not matter."""
    return sorted(
        spans, key=lambda span: (span.start_ns, span.depth, span.end_ns, span.name, span.process)
    )


def histograms(table: SpanTable) -> list[DurationHistogram]:
    """The distribution of the durations of every operation, by name."""
    buckets = table.summaries.buckets
    durations = np.concatenate((table.duration[table.real], buckets.middle_ns))
    calls = np.concatenate((np.ones(int(table.real.sum()), np.int64), buckets.calls))
    code = np.concatenate(
        (table.name[table.real], table.name[table.summaries.row[buckets.summary]])
    )
    upper = _upper_bounds(durations)
    order = np.lexsort((upper, code))
    code, upper, calls = code[order], upper[order], calls[order]
    if not code.size:
        return []
    changes = (np.diff(code) != 0) | (np.diff(upper) != 0)
    first = np.flatnonzero(np.concatenate(([True], changes)))
    code, upper, calls = code[first], upper[first], np.add.reduceat(calls, first)
    starts = starts_of_runs(code)
    rows = [
        DurationHistogram(table.names[int(name)], bounds.tolist(), counts.tolist())
        for name, bounds, counts in zip(
            code[starts], np.split(upper, starts[1:]), np.split(calls, starts[1:]), strict=True
        )
    ]
    return sorted(rows, key=lambda histogram: histogram.name)


def _upper_bounds(durations: Ints) -> Ints:
    """Upper bound of each duration's bucket: those of the same bit length and next three bits."""
    bits = np.zeros(durations.size, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        bits += np.where(durations >> bits >> step > 0, step, 0)
    below = np.maximum(bits - 3, 0)
    upper: Ints = ((durations >> below) + 1 << below) - 1
    return upper
