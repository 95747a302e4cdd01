"""Who is whose parent, and which records are the same span twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Codes, Ids, Ints, ranks, starts_of_runs
from rbtrace.analysis.columns import Columns


def first_of_each(columns: Columns, names: Sequence[str]) -> Ints:
    """Rows to keep so that every (trace, span) is there once, in their order.

    Of several records of a span, one from a spans file goes before one from an `.open` file, one
    that has an end before one that has none, a later end before an earlier: which is kept does
    not depend on the order of reading.
    """
    ordered = np.sort(columns.span_id)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.arange(columns.span_id.size)
    order = np.lexsort(
        (
            columns.parent_id,
            ranks(names)[columns.name],
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
    return np.sort(order[np.concatenate(([True], ~again))])


def parents(trace: Codes, span_id: Ids, parent_trace: Codes, parent_id: Ids) -> tuple[Codes, int]:
    """Find the row of every span's parent.

    Args:
        trace: trace of each span; no (trace, span) twice.
        span_id: id of each span.
        parent_trace: trace of each span's parent; its own, unless a link says otherwise.
        parent_id: id of each span's parent; 0 for none.

    Returns:
        The row of each parent, -1 for none, and the number of orphans: spans whose parent is not
        there. They become roots.
    """
    found = np.full(span_id.size, NO_PARENT, np.int32)
    asking = np.flatnonzero(parent_id != 0)
    if not asking.size:
        return found, 0
    # Siblings stand side by side, mostly: ask once for each run of the same parent.
    asked_id, asked_trace = parent_id[asking], parent_trace[asking]
    changes = (asked_id[1:] != asked_id[:-1]) | (asked_trace[1:] != asked_trace[:-1])
    first = np.flatnonzero(np.concatenate(([True], changes)))
    rows = _rows_of(trace, span_id, asked_trace[first], asked_id[first])
    found[asking] = np.repeat(rows, np.diff(np.append(first, asking.size)))
    return found, int(np.count_nonzero(found[asking] == NO_PARENT))


def _rows_of(trace: Codes, span_id: Ids, asked_trace: Codes, asked_id: Ids) -> Codes:
    """Row of each asked (trace, span), -1 where there is none."""
    order = np.argsort(span_id)
    ordered = span_id[order]
    distinct = starts_of_runs(ordered)
    if distinct.size == span_id.size:
        place = np.minimum(np.searchsorted(ordered, asked_id), ordered.size - 1)
        rows = order[place]
        same = (ordered[place] == asked_id) & (trace[rows] == asked_trace)
        return np.where(same, rows, NO_PARENT).astype(np.int32)
    # The same span id in several traces: rank the ids, and join on trace and rank together.
    ids = ordered[distinct]
    keys = trace.astype(np.int64) * ids.size + np.searchsorted(ids, span_id)
    order = np.argsort(keys)
    rank = np.minimum(np.searchsorted(ids, asked_id), ids.size - 1)
    asked = asked_trace.astype(np.int64) * ids.size + rank
    place = np.minimum(np.searchsorted(keys[order], asked), keys.size - 1)
    rows = order[place]
    same = (keys[rows] == asked) & (ids[rank] == asked_id)
    return np.where(same, rows, NO_PARENT).astype(np.int32)
