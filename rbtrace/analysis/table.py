"""The table of spans: numpy columns, times in integer nanoseconds, texts as codes.

It takes about 50 bytes per span. Rows are in no particular order; `parent` is a row. Everything
an analysis could trip over has been settled here: each span once, parents joined, cycles cut,
every end at or after its start. What was amiss is counted in `Anomalies`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask
from rbtrace.analysis.facts import Extra, Origin
from rbtrace.analysis.histograms import Buckets


class RunOrigin(NamedTuple):
    """A run: its id, and what the recorder was told of its place in a comparison."""

    run_id: str
    arm: str | None = None
    pair: int | None = None
    order: int | None = None


@dataclass(slots=True)
class Anomalies:
    """What was wrong with the spans, in numbers of spans."""

    duplicates: int = 0
    orphans: int = 0
    cycles: int = 0
    unfinished: int = 0
    negative: int = 0
    without_start: int = 0


@dataclass(slots=True)
class Summaries:
    """The summary spans: their rows, and figures in the same order; times in ns."""

    row: Codes
    calls: Ints
    total: Ints
    shortest: Ints
    longest: Ints
    self_ns: Ints
    last_end: Ints
    buckets: Buckets


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
    name: Codes
    category: Codes
    thread: Codes
    process: Codes
    run: Codes
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
    extras: dict[int, Extra]
    anomalies: Anomalies
    real_parent: Codes
    clock_shifts: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of spans."""
        return int(self.span_id.size)

    @property
    def duration(self) -> Ints:
        """End minus start of each span, ns. Meaningless for summaries, whose times are drawn."""
        return self.end - self.start

    def name_of(self, row: int) -> str:
        """The name of a span."""
        return self.names[int(self.name[row])]

    def process_of(self, row: int) -> str:
        """The process of a span, as reports show it."""
        return self.processes[int(self.process[row])].process
