"""Assembling the `SpanTable` from the columns that readers filled.

Duplicates and parents are found within traces, some complete traces at a time: what is sorted then
fits the processor's cache, and the cost per span does not grow with the number of spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT, cut_cycles, depths, nearest
from rbtrace.analysis.arrays import Codes, Ids, Ints, Labels, Mask, labels, ranks, starts_of_runs
from rbtrace.analysis.attributes import EXEMPLAR, REAL, SUMMARY, OwnAttributes, SharedAttributes
from rbtrace.analysis.columns import (
    LARGEST_KEPT,
    Builder,
    Columns,
    SpanBatch,
    parse_id,
    return_freed_memory,
)
from rbtrace.analysis.processes import Origins, settle_clocks, settle_origins
from rbtrace.analysis.table import Anomalies, SpanTable, Summaries
from rbtrace.conventions import THREAD, UNATTACHED

_ROWS_AT_A_TIME: Final = 1 << 14
"""Rows that are handled at a time, or those of a larger trace."""


def first_of_each(columns: Columns, names: Sequence[str]) -> Mask:
    """Which rows to keep so that every (trace, span) occurs once.

    Of several records of a span, one from a spans file goes before one from an `.open` file, one
    that has an end before one that has none, a later end before an earlier: which is kept does
    not depend on the order of reading.
    """
    kept = np.ones(columns.span_id.size, np.bool_)
    rank = ranks(names)
    for rows in _whole_traces(columns.trace):
        ordered = np.sort(columns.span_id[rows])
        if (ordered[1:] == ordered[:-1]).any():
            kept[rows] = _first_records(columns.of(rows), rank)
    return kept


def _first_records(columns: Columns, rank: Ints) -> Mask:
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
    parent_row = np.full(span_id.size, NO_PARENT, np.int32)
    for rows in _whole_traces(trace):
        # Siblings are mostly adjacent: look up the parent once for each run of them.
        asked_trace, asked_id = trace[rows], parent_id[rows]
        changes = (asked_id[1:] != asked_id[:-1]) | (asked_trace[1:] != asked_trace[:-1])
        first = np.flatnonzero(np.concatenate(([True], changes)))
        position = _positions(asked_trace, span_id[rows], asked_trace[first], asked_id[first])
        above = np.where(position == NO_PARENT, NO_PARENT, rows[position])
        parent_row[rows] = np.repeat(above, np.diff(np.append(first, rows.size)))
    asks = parent_id != 0
    for row, parent in _linked(trace, span_id, linked):
        parent_row[row], asks[row] = parent, linked[row][1] != 0
    return parent_row, int(np.count_nonzero(asks & (parent_row == NO_PARENT)))


def _whole_traces(trace: Codes) -> Iterator[Codes]:
    """All rows, those of some complete traces at a time."""
    rows = np.arange(trace.size, dtype=np.int32)
    first = starts_of_runs(trace)
    if np.unique(trace[first]).size < first.size:  # some trace is in several places
        rows = np.argsort(trace, kind="stable").astype(np.int32)
        first = starts_of_runs(trace[rows])
    last = np.append(first[1:], trace.size)
    at = 0
    while at < trace.size:
        last_of_part = int(np.searchsorted(last, at + _ROWS_AT_A_TIME))
        end = int(last[min(last_of_part, last.size - 1)])
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


def _positions(trace: Codes, span_id: Ids, asked_trace: Codes, asked_id: Ids) -> Ints:
    """Position of each (trace, span) that is looked up, -1 if there is none."""
    order = np.argsort(span_id)
    ordered = span_id[order]
    distinct = starts_of_runs(ordered)
    if distinct.size == span_id.size:
        position = np.minimum(np.searchsorted(ordered, asked_id), ordered.size - 1)
        candidate = order[position]
        same = (ordered[position] == asked_id) & (trace[candidate] == asked_trace)
        return np.where(same, candidate, NO_PARENT)
    # The same span id in several traces: rank the ids, and join on trace and rank together.
    ids = ordered[distinct]
    keys = trace.astype(np.int64) * ids.size + np.searchsorted(ids, span_id)
    order = np.argsort(keys)
    rank = np.minimum(np.searchsorted(ids, asked_id), ids.size - 1)
    asked = asked_trace.astype(np.int64) * ids.size + rank
    position = np.minimum(np.searchsorted(keys[order], asked), keys.size - 1)
    candidate = order[position]
    same = (keys[candidate] == asked) & (ids[rank] == asked_id)
    return np.where(same, candidate, NO_PARENT)


_EPOCH: Final = 10**17
"""A span that starts at 0 and ends later than this (1973) has no valid start."""


def build(builder: Builder) -> SpanTable:
    """Make the table of what readers have added."""
    anomalies = Anomalies()
    batch = builder.take()
    if batch.columns.span_id.nbytes > LARGEST_KEPT:
        return_freed_memory()  # no column will be where its pieces were
    all_columns = batch.columns
    kept = first_of_each(all_columns, builder.names.values_by_code)
    anomalies.duplicates = int(kept.size - np.count_nonzero(kept))
    columns = all_columns if not anomalies.duplicates else all_columns.of(kept)
    own_attributes, summaries = _renumbered(batch, kept)
    parent = _joined(builder, columns, own_attributes, anomalies)
    shared = builder.shared.values_by_code
    origins = settle_origins(builder, columns)
    kind = np.array([attributes.kind for attributes in shared] or [REAL], np.int8)[columns.shared]
    categories, category = _text_column(
        [attributes.category for attributes in shared], columns.shared
    )
    _, thread = _text_column([attributes.thread for attributes in shared], columns.shared)
    implicit = (kind == REAL) & _implicit(builder.names.values_by_code, columns, shared, origins)
    table = SpanTable(
        span_id=columns.span_id,
        parent=parent,
        start=columns.start,
        end=columns.end,
        name=labels(columns.name, len(builder.names.values_by_code)),
        category=category,
        thread=thread,
        process=labels(origins.process, len(origins.processes)),
        run=labels(origins.run, len(origins.runs)),
        real=(kind == REAL) & ~implicit,
        summary=kind == SUMMARY,
        exemplar=kind == EXEMPLAR,
        implicit=implicit,
        adopted=columns.adopted,
        names=builder.names.values_by_code,
        categories=categories,
        processes=origins.processes,
        runs=origins.runs,
        summaries=summaries,
        own_attributes=own_attributes,
        anomalies=anomalies,
        real_parent=parent,
    )
    del batch, all_columns, columns  # the ids of parents and traces are not needed any more
    _settle_times(table)
    table.real_parent = nearest(parent, ~table.real)
    table.clock_shifts = settle_clocks(table)
    return table


def _renumbered(batch: SpanBatch, kept: Mask) -> tuple[dict[int, OwnAttributes], Summaries]:
    """Own attributes and summaries of the rows that are kept, under their new row numbers."""
    number = np.where(kept, np.cumsum(kept, dtype=np.int32) - 1, NO_PARENT)
    own_attributes = {
        int(number[row]): own
        for row, own in batch.own_attributes.items()
        if number[row] != NO_PARENT
    }
    rows = number[batch.summary_rows].astype(np.int32)
    stays = rows != NO_PARENT
    calls, total, shortest, longest, self_ns, last_end = batch.figures[stays].T
    buckets = batch.buckets.of(stays)
    return own_attributes, Summaries(
        rows[stays], calls, total, shortest, longest, self_ns, last_end, buckets
    )


def _joined(
    builder: Builder,
    columns: Columns,
    own_attributes: dict[int, OwnAttributes],
    anomalies: Anomalies,
) -> Codes:
    """Parent rows, by parent id or by link; cycles cut."""
    linked = {}
    for row, own in own_attributes.items():
        if own.parent_link is not None:
            trace, span = own.parent_link
            linked[row] = builder.traces[trace], int(parse_id(span, 16) or "0", 16)
    parent, anomalies.orphans = parents(columns.trace, columns.span_id, columns.parent_id, linked)
    _, on_cycle = depths(parent)
    if on_cycle.size:
        cut = cut_cycles(parent, on_cycle, columns.start, columns.span_id)
        anomalies.cycles = cut.size
        anomalies.orphans += cut.size
    return parent


def _text_column(texts: list[str], codes: Codes) -> tuple[list[str], Labels]:
    """The distinct texts in order, and the column of codes into them; a text per shared code."""
    distinct = sorted({*texts, ""})
    code = {text: number for number, text in enumerate(distinct)}
    code_of_shared = labels(np.array([code[text] for text in texts] or [0]), len(distinct))
    return distinct, code_of_shared[codes]


def _implicit(
    names: list[str], columns: Columns, shared: list[SharedAttributes], origins: Origins
) -> Mask:
    """Implicit spans of the recorder: a span `thread` without a run id is another program's."""
    unattached = np.array([name == UNATTACHED for name in names] or [False])
    thread = np.array([name == THREAD for name in names] or [False])
    bare = np.array([not attributes.category for attributes in shared] or [False])
    recorded = origins.recorded[origins.run]
    implicit: Mask = unattached[columns.name] | (
        thread[columns.name] & bare[columns.shared] & recorded
    )
    return implicit


def _settle_times(table: SpanTable) -> None:
    """Give every real span an end at or after its start, and count those that had none."""
    timed = ~table.summary
    without_start = timed & (table.start == 0) & (table.end > _EPOCH)
    table.start[without_start] = table.end[without_start]
    unfinished = timed & (table.end == 0)
    negative = timed & ~unfinished & (table.end < table.start)
    table.end[negative] = table.start[negative]
    table.anomalies.without_start = int(without_start.sum())
    table.anomalies.unfinished = int(unfinished.sum())
    table.anomalies.negative = int(negative.sum())
    if unfinished.any():
        _end_unfinished(table, unfinished)


def _end_unfinished(table: SpanTable, unfinished: Mask) -> None:
    """End unfinished spans at the latest time beneath them: they lasted at least that long."""
    latest = np.where(table.summary, 0, table.end)
    latest[table.summaries.row] = table.summaries.last_end
    latest = np.maximum(latest, np.where(unfinished, table.start, 0))
    depth, _ = depths(table.parent)
    open_above = unfinished | table.summary | table.exemplar | table.implicit
    rows = np.flatnonzero((table.parent != NO_PARENT) & open_above[table.parent])
    for row in rows[np.argsort(-depth[rows], kind="stable")].tolist():
        above = table.parent[row]
        latest[above] = max(latest[above], latest[row])
    table.end[unfinished] = latest[unfinished]
