"""The tables that break self time down: rows from the threshold on, the rest in one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rbtrace.analysis.paths import CallPathTime
from rbtrace.analysis.results import Results
from rbtrace.reporting.model import By, Column, Options, Row, Table
from rbtrace.reporting.numbers import count, duration, interval, percent, percentages

_DETAILS: Final = frozenset({"of wall", "mean", "p50", "p95", "max", "category"})


class Part(NamedTuple):
    """One row of a breakdown: its label, its part of the whole (ns), its other cells."""

    label: str
    ns: int
    cells: list[str]
    depth: int = 0
    shown: bool = False


def breakdown(results: Results, options: Options) -> Table:
    """The main table of a report."""
    return _TABLES[options.by](results, options)


def list_parts(
    title: str, parts: Sequence[Part], columns: Sequence[str], options: Options, note: str = ""
) -> Table:
    """A table of parts of a whole; shown percentages add to 100.

    Args:
        title: title of the table, and of its first column before a colon.
        parts: all parts; those below the threshold are put into one row.
        columns: titles of the label, the part, and the parts' other cells.
        options: the threshold.
        note: what to know about the table.
    """
    whole = sum(part.ns for part in parts)
    least = 0 if options.full else options.threshold * whole / 100
    listed = [part for part in parts if part.shown or part.ns >= least]
    rest = [part for part in parts if not part.shown and part.ns < least]
    amounts = [part.ns for part in listed]
    if rest:
        amounts.append(sum(part.ns for part in rest))
    shares = percentages(amounts)
    rows = [
        Row(
            [part.label, share, duration(part.ns), *part.cells],
            part.ns / whole if whole else None,
            part.depth,
        )
        for part, share in zip(listed, shares, strict=False)
    ]
    if rest:
        label = f"{count(len(rest))} more below {options.threshold:g} %"
        blank = [""] * (len(columns) - 2)
        bar = amounts[-1] / whole if whole else None
        rows.append(Row([label, shares[-1], duration(amounts[-1]), *blank], bar, rest=True))
    label_title, part_title, *others = columns
    heads = [Column(label_title, right=False), Column("share"), Column(part_title)]
    heads += [Column(other, detail=other in _DETAILS) for other in others]
    return Table(title, heads, rows, note)


def _by_operation(results: Results, options: Options) -> Table:
    wall = results.wall_ns
    parts = [
        Part(
            row.name,
            row.self_ns,
            [
                *([] if results.share_note else [interval(row.share_ci)]),
                count(row.calls),
                duration(row.total_ns),
                percent(row.total_ns / wall if wall else None),
                duration(row.mean_ns),
                duration(row.p50_ns),
                duration(row.p95_ns),
                duration(row.max_ns),
                row.category,
            ],
        )
        for row in results.operations
    ]
    columns = ["calls", "total", "of wall", "mean", "p50", "p95", "max", "category"]
    if not results.share_note:
        columns.insert(0, "share, 95 %")
    note = "Share: part of all self time. Of wall: total ÷ wall time, above 100 % in parallel."
    note += f" {results.share_note}" if results.share_note else ""
    return list_parts("Operations", parts, ["operation", "self", *columns], options, note)


def _by_path(results: Results, options: Options) -> Table:
    whole = sum(row.self_ns for row in results.paths)
    shown = _with_listed_beneath(results.paths, options.threshold * whole / 100)
    parts = [
        Part(
            row.path[-1],
            row.self_ns,
            [count(row.calls), duration(row.total_ns)],
            len(row.path) - 1,
            shown=place in shown,
        )
        for place, row in enumerate(results.paths)
    ]
    return list_parts("Call paths", parts, ["path", "self", "calls", "total"], options)


def _with_listed_beneath(paths: Sequence[CallPathTime], least: float) -> set[int]:
    """Places of paths that lead to one with enough self time: a tree needs its branches."""
    shown = set()
    ancestors: list[int] = []
    for place, row in enumerate(paths):
        del ancestors[len(row.path) - 1 :]
        ancestors.append(place)
        if row.self_ns >= least:
            shown.update(ancestors)
    return shown


def by_category(results: Results, options: Options) -> Table:
    """Self time by kind of work."""
    parts = [Part(row.name, row.self_ns, []) for row in results.categories]
    return list_parts("Kinds of work", parts, ["category", "self"], options)


def _by_process(results: Results, options: Options) -> Table:
    parts = [Part(row.process, row.self_ns, [count(row.calls)]) for row in results.processes]
    return list_parts("Processes", parts, ["process", "self", "calls"], options)


_TABLES: dict[By, Callable[[Results, Options], Table]] = {
    By.OPERATION: _by_operation,
    By.PATH: _by_path,
    By.CATEGORY: by_category,
    By.PROCESS: _by_process,
}
