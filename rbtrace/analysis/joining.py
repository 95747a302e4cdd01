"""Who is whose parent, and which records are the same span twice.

Both are settled within traces, some whole traces at a time: what is sorted then fits the
processor's cache, and the cost of a span does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask, ranks, starts_of_runs
from rbtrace.analysis.columns import Columns

_TOGETHER: Final = 1 << 14
"""Spans settled at a time, if their traces allow it."""


def first_of_each(columns: Columns, names: Sequence[str]) -> Mask:
    """Which rows to keep so that every (trace, span) is there once.

    Of several records of a span, one from a spans file goes before one from an `.open` file, one
    that has an end before one that has none, a later end before an earlier: which is kept does
    not depend on the order of reading.
    """
    kept = np.ones(columns.span_id.size, np.bool_)
    rank = ranks(names)
    for rows in _whole_traces(columns.trace):
        ordered = np.sort(columns.span_id[rows])
        if (ordered[1:] == ordered[:-1]).any():
            kept[rows] = _firsts(columns.of(rows), rank)
    return kept


def _firsts(columns: Columns, rank: Ints) -> Mask:
    order = np.lexsort(
        (
            columns.parent_id,
            rank[columns.name],
            columns.start,
            -columns.end,
            columns.end == 0,
            columns.adopted,
            columns.span_id,
            columns.trace,
        )
    )
    span_id, trace = columns.span_id[order], columns.trace[order]
    again = (span_id[1:] == span_id[:-1]) & (trace[1:] == trace[:-1])
    kept = np.ones(order.size, np.bool_)
    kept[order[1:][again]] = False
    return kept


def parents(
    trace: Codes, span_id: Ids, parent_id: Ids, linked: dict[int, tuple[int, int]]
) -> tuple[Codes, int]:
    """Find the row of every span's parent.

    Args:
        trace: trace of each span; no (trace, span) twice.
        span_id: id of each span.
        parent_id: id of each span's parent, in its own trace; 0 for none.
        linked: by row, trace and id of the parent of a span that names one by a link instead.

    Returns:
        The row of each parent, -1 for none, and the number of orphans: spans whose parent is not
        there. They become roots.
    """
    found = np.full(span_id.size, NO_PARENT, np.int32)
    for rows in _whole_traces(trace):
        # Siblings stand side by side, mostly: ask once for each run of the same parent.
        asked_trace, asked_id = trace[rows], parent_id[rows]
        changes = (asked_id[1:] != asked_id[:-1]) | (asked_trace[1:] != asked_trace[:-1])
        first = np.flatnonzero(np.concatenate(([True], changes)))
        place = _places(asked_trace, span_id[rows], asked_trace[first], asked_id[first])
        above = np.where(place == NO_PARENT, NO_PARENT, rows[place])
        found[rows] = np.repeat(above, np.diff(np.append(first, rows.size)))
    asks = parent_id != 0
    for row, parent in _linked(trace, span_id, linked):
        found[row], asks[row] = parent, linked[row][1] != 0
    return found, int(np.count_nonzero(asks & (found == NO_PARENT)))


def _whole_traces(trace: Codes) -> Iterator[Codes]:
    """All rows, those of some whole traces at a time."""
    rows = np.arange(trace.size, dtype=np.int32)
    first = starts_of_runs(trace)
    if np.unique(trace[first]).size < first.size:  # some trace is in several places
        rows = np.argsort(trace, kind="stable").astype(np.int32)
        first = starts_of_runs(trace[rows])
    last = np.append(first[1:], trace.size)
    at = 0
    while at < trace.size:
        enough = int(np.searchsorted(last, at + _TOGETHER))
        end = int(last[min(enough, last.size - 1)])
        yield rows[at:end]
        at = end


def _linked(
    trace: Codes, span_id: Ids, linked: dict[int, tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The row of each span that has a link to its parent, and the row of that, or -1."""
    if not linked:
        return
    wanted = np.array([identity for _, identity in linked.values()], np.uint64)
    candidates = np.flatnonzero(np.isin(span_id, wanted))
    keys = zip(trace[candidates].tolist(), span_id[candidates].tolist(), strict=True)
    row_of = dict(zip(keys, candidates.tolist(), strict=True))
    for row, parent in linked.items():
        yield row, row_of.get(parent, NO_PARENT)


def _places(trace: Codes, span_id: Ids, asked_trace: Codes, asked_id: Ids) -> Ints:
    """Position of each asked (trace, span), -1 where there is none."""
    order = np.argsort(span_id)
    ordered = span_id[order]
    distinct = starts_of_runs(ordered)
    if distinct.size == span_id.size:
        place = np.minimum(np.searchsorted(ordered, asked_id), ordered.size - 1)
        found = order[place]
        same = (ordered[place] == asked_id) & (trace[found] == asked_trace)
        return np.where(same, found, NO_PARENT)
    # The same span id in several traces: rank the ids, and join on trace and rank together.
    ids = ordered[distinct]
    keys = trace.astype(np.int64) * ids.size + np.searchsorted(ids, span_id)
    order = np.argsort(keys)
    rank = np.minimum(np.searchsorted(ids, asked_id), ids.size - 1)
    asked = asked_trace.astype(np.int64) * ids.size + rank
    place = np.minimum(np.searchsorted(keys[order], asked), keys.size - 1)
    found = order[place]
    same = (keys[found] == asked) & (ids[rank] == asked_id)
    return np.where(same, found, NO_PARENT)
