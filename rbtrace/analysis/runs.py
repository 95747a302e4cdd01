"""Runs and their wall time: the union of the real spans of a run, so that gaps don't count."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import occurring
from rbtrace.analysis.intervals import union_lengths
from rbtrace.analysis.table import SpanTable


class Run(Struct, frozen=True, gc=False):
    """One run: `rbtrace.run.id`, or a trace id where there is none. Wall time in ns.

    `pair` and `order` are its place in a benchmark of pairs, None elsewhere.
    """

    run_id: str
    arm: str | None
    wall_ns: int
    pair: int | None = None
    order: int | None = None


def runs(table: SpanTable) -> list[Run]:
    """All runs, by id."""
    parent = table.real_parent
    # A span within its parent adds nothing to the union, if they are of the same run.
    inside = (
        (parent != NO_PARENT)
        & (table.start >= table.start[parent])
        & (table.end <= table.end[parent])
        & (table.run == table.run[parent])
    )
    rows = np.flatnonzero(table.real & ~inside)
    run, start, end = table.run[rows], table.start[rows], table.end[rows]
    first = np.full(len(table.runs), np.iinfo(np.int64).max)
    last = np.zeros(len(table.runs), np.int64)
    np.minimum.at(first, run, start)
    np.maximum.at(last, run, end)
    walls = union_lengths(run, start, end, first, np.maximum(last - first, 0)).tolist()
    found = [
        Run(one.run_id, one.arm, wall, one.pair, one.order)
        for one, wall in zip(table.runs, walls, strict=True)
    ]
    occurs = occurring(table.run, len(found)).tolist()
    return sorted((found[code] for code in occurs), key=lambda one: one.run_id)
