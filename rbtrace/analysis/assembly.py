"""From the columns that readers filled to the `SpanTable` that analyses read."""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT, cut_cycles, depths, nearest
from rbtrace.analysis.arrays import Codes, Labels, Mask, labels
from rbtrace.analysis.clocks import settle_clocks
from rbtrace.analysis.columns import Batch, Builder, Columns, parse_id
from rbtrace.analysis.facts import EXEMPLAR, REAL, SUMMARY, Extra, Facts
from rbtrace.analysis.joining import first_of_each, parents
from rbtrace.analysis.memory import LARGEST_KEPT, return_freed_memory
from rbtrace.analysis.origins import Origins, settle_origins
from rbtrace.analysis.table import Anomalies, SpanTable, Summaries
from rbtrace.conventions import THREAD, UNATTACHED

_EPOCH: Final = 10**17
"""A span that ends later than this (1973) and starts at 0 has lost its start."""


def build(builder: Builder) -> SpanTable:
    """Make the table of what readers have added."""
    anomalies = Anomalies()
    batch = builder.take()
    if batch.columns.span_id.nbytes > LARGEST_KEPT:
        return_freed_memory()  # no column will be where its pieces were
    every = batch.columns
    kept = first_of_each(every, builder.names.values_by_code)
    anomalies.duplicates = int(kept.size - np.count_nonzero(kept))
    columns = every if not anomalies.duplicates else every.of(kept)
    extras, summaries = _renumbered(batch, kept)
    parent = _joined(builder, columns, extras, anomalies)
    facts = builder.facts.values_by_code
    origins = settle_origins(builder, columns)
    kind = np.array([one.kind for one in facts] or [REAL], np.int8)[columns.facts]
    categories, category = _recoded([one.category for one in facts], columns.facts)
    _, thread = _recoded([one.thread for one in facts], columns.facts)
    implicit = (kind == REAL) & _implicit(builder.names.values_by_code, columns, facts, origins)
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
        extras=extras,
        anomalies=anomalies,
        real_parent=parent,
    )
    del batch, every, columns  # the ids of parents and traces are not needed any more
    _settle_times(table)
    table.real_parent = nearest(parent, ~table.real)
    table.clock_shifts = settle_clocks(table)
    return table


def _renumbered(batch: Batch, kept: Mask) -> tuple[dict[int, Extra], Summaries]:
    """Extras and summaries of the rows that are kept, under their new row numbers."""
    number = np.where(kept, np.cumsum(kept, dtype=np.int32) - 1, NO_PARENT)
    extras = {
        int(number[row]): extra for row, extra in batch.extras.items() if number[row] != NO_PARENT
    }
    rows = number[batch.summary_rows].astype(np.int32)
    stays = rows != NO_PARENT
    calls, total, shortest, longest, self_ns, last_end = batch.figures[stays].T
    buckets = batch.buckets.of(stays)
    return extras, Summaries(
        rows[stays], calls, total, shortest, longest, self_ns, last_end, buckets
    )


def _joined(
    builder: Builder, columns: Columns, extras: dict[int, Extra], anomalies: Anomalies
) -> Codes:
    """Parent rows, by parent id or by link; cycles cut."""
    linked = {}
    for row, extra in extras.items():
        if extra.parent_link is not None:
            trace, span = extra.parent_link
            linked[row] = builder.traces[trace], int(parse_id(span, 16) or "0", 16)
    parent, anomalies.orphans = parents(columns.trace, columns.span_id, columns.parent_id, linked)
    _, on_cycle = depths(parent)
    if on_cycle.size:
        cut = cut_cycles(parent, on_cycle, columns.start, columns.span_id)
        anomalies.cycles = cut.size
        anomalies.orphans += cut.size
    return parent


def _recoded(texts: list[str], codes: Codes) -> tuple[list[str], Labels]:
    """A text per shared fact as a column of codes into the sorted distinct texts."""
    distinct = sorted({*texts, ""})
    code = {text: number for number, text in enumerate(distinct)}
    by_fact = labels(np.array([code[text] for text in texts] or [0]), len(distinct))
    return distinct, by_fact[codes]


def _implicit(names: list[str], columns: Columns, facts: list[Facts], origins: Origins) -> Mask:
    """The recorder's implicit spans: others may call a span `thread`, but not with a run id."""
    unattached = np.array([name == UNATTACHED for name in names] or [False])
    thread = np.array([name == THREAD for name in names] or [False])
    bare = np.array([not one.category for one in facts] or [False])
    ours = origins.recorded[origins.run]
    implicit: Mask = unattached[columns.name] | (thread[columns.name] & bare[columns.facts] & ours)
    return implicit


def _settle_times(table: SpanTable) -> None:
    """Give every real span an end at or after its start, and count what was amiss."""
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
        _end_with_the_last_seen(table, unfinished)


def _end_with_the_last_seen(table: SpanTable, unfinished: Mask) -> None:
    """Let unfinished spans last until the last moment seen beneath them: they lasted longer."""
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
