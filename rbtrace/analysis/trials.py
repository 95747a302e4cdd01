"""Trials of a search: how long each took, and where."""

from __future__ import annotations

from msgspec import Struct

from rbtrace.analysis.table import SpanTable


class Trial(Struct, frozen=True, gc=False):
    """One evaluation of a search; `score` is None where none was recorded."""

    number: int
    duration_ns: int
    process: str
    score: float | None
    name: str
    start_ns: int


def trials(table: SpanTable) -> list[Trial]:
    """All trials, in order of start: several searches of a run number theirs from 0 each."""
    found = [
        Trial(
            extra.trial,
            int(table.end[row] - table.start[row]),
            table.process_of(row),
            extra.score,
            table.name_of(row),
            int(table.start[row]),
        )
        for row, extra in table.extras.items()
        if extra.trial is not None and table.real[row]
    ]
    return sorted(found, key=lambda one: (one.start_ns, one.number, one.process))
