"""The tables of an analysis: self time divided by a breakdown, and what else took the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final

from rbtrace.analysis.breakdowns import CallPathTime, CategoryTime, OperationTime, ProcessTime
from rbtrace.analysis.parallel import Region, RegionWorker, Trial
from rbtrace.analysis.results import FunctionTime, Results
from rbtrace.analysis.runs import TracedRun
from rbtrace.reporting.model import By, Column, Options, Table
from rbtrace.reporting.numbers import count, duration, interval, percent, percentages

_SLOWEST_TRIALS: Final = 10
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def breakdown(results: Results, options: Options) -> Table:
    """The main table of a report."""
    return _BREAKDOWNS[options.by](results, options)


def _parts_table[T](
    title: str,
    columns: Sequence[Column[T]],
    parts: Sequence[T],
    amount: Callable[[T], int],
    options: Options,
    note: str = "",
    depth: Callable[[T], int] = lambda _: 0,
    is_kept: Callable[[T], bool] = lambda _: False,
) -> Table:
    """A table of the parts of a whole; shown percentages add to 100.

    Args:
        title: title of the table.
        columns: the label of a part, its amount, and other cells; the share is put before the
            amount.
        parts: all parts; those below the threshold are put into one row.
        amount: how much a part is, ns.
        options: the threshold.
        note: what to know about the table.
        depth: how far a part is indented.
        is_kept: whether a part is listed however small it is.
    """
    whole = sum(map(amount, parts))
    least = 0 if options.full else options.threshold * whole / 100
    listed = [part for part in parts if is_kept(part) or amount(part) >= least]
    amounts = [amount(part) for part in listed]
    others = len(parts) - len(listed)
    if others:
        amounts.append(whole - sum(amounts))
    shares = percentages(amounts)
    table = Table.of(
        title,
        [_of_part(columns[0]), Column("share", lambda row: row[1]), *map(_of_part, columns[1:])],
        zip(listed, shares, strict=False),
        note,
        bar=lambda row: amount(row[0]) / whole if whole else None,
        depth=lambda row: depth(row[0]),
    )
    if others:
        label = f"{count(others)} more below {options.threshold:g} %"
        bar = amounts[-1] / whole if whole else None
        table.add(label, shares[-1], duration(amounts[-1]), bar=bar, rest=True)
    return table


def _of_part[T](column: Column[T]) -> Column[tuple[T, str]]:
    """The column in a table whose rows are parts with their shares."""
    return Column(column.title, lambda row: column.cell(row[0]), column.right, column.detail)


def _by_operation(results: Results, options: Options) -> Table:
    wall = results.wall_ns
    share_ci: Column[OperationTime] = Column("share, 95 %", lambda row: interval(row.share_ci))
    columns: list[Column[OperationTime]] = [
        Column("operation", lambda row: row.name, right=False),
        Column("self", lambda row: duration(row.self_ns)),
        *([] if results.share_note else [share_ci]),
        Column("calls", lambda row: count(row.calls)),
        Column("total", lambda row: duration(row.total_ns)),
        Column("of wall", lambda row: percent(row.total_ns / wall if wall else None), detail=True),
        Column("mean", lambda row: duration(row.mean_ns), detail=True),
        Column("p50", lambda row: duration(row.p50_ns), detail=True),
        Column("p95", lambda row: duration(row.p95_ns), detail=True),
        Column("max", lambda row: duration(row.max_ns), detail=True),
        Column("category", lambda row: row.category, detail=True),
    ]
    note = "Share: part of all self time. Of wall: total ÷ wall time, above 100 % in parallel."
    note += f" {results.share_note}" if results.share_note else ""
    return _parts_table(
        "Operations", columns, results.operations, lambda row: row.self_ns, options, note
    )


def _by_path(results: Results, options: Options) -> Table:
    columns: list[Column[CallPathTime]] = [
        Column("path", lambda row: row.path[-1], right=False),
        Column("self", lambda row: duration(row.self_ns)),
        Column("calls", lambda row: count(row.calls)),
        Column("total", lambda row: duration(row.total_ns)),
    ]
    whole = sum(row.self_ns for row in results.paths)
    kept = _leading_to_much(results.paths, options.threshold * whole / 100)
    return _parts_table(
        "Call paths",
        columns,
        results.paths,
        lambda row: row.self_ns,
        options,
        depth=lambda row: len(row.path) - 1,
        is_kept=lambda row: tuple(row.path) in kept,
    )


def _leading_to_much(rows: Sequence[CallPathTime], least: float) -> set[tuple[str, ...]]:
    """Paths that lead to one with enough self time: a tree needs its branches."""
    return {
        tuple(row.path[:length])
        for row in rows
        if row.self_ns >= least
        for length in range(1, len(row.path) + 1)
    }


def by_category(results: Results, options: Options) -> Table:
    """Self time by kind of work."""
    columns: list[Column[CategoryTime]] = [
        Column("category", lambda row: row.name, right=False),
        Column("self", lambda row: duration(row.self_ns)),
    ]
    return _parts_table(
        "Kinds of work", columns, results.categories, lambda row: row.self_ns, options
    )


def _by_process(results: Results, options: Options) -> Table:
    columns: list[Column[ProcessTime]] = [
        Column("process", lambda row: row.process, right=False),
        Column("self", lambda row: duration(row.self_ns)),
        Column("calls", lambda row: count(row.calls)),
    ]
    return _parts_table("Processes", columns, results.processes, lambda row: row.self_ns, options)


_BREAKDOWNS: Final[dict[By, Callable[[Results, Options], Table]]] = {
    By.OPERATION: _by_operation,
    By.PATH: _by_path,
    By.CATEGORY: by_category,
    By.PROCESS: _by_process,
}


def critical_path(results: Results, options: Options) -> Table:
    """The critical paths of the roots of one name: those that took longest together."""
    by_root: dict[str, int] = {}
    for piece in results.critical_path:
        by_root[piece.root] = by_root.get(piece.root, 0) + piece.ns
    root = max(by_root, key=lambda name: (by_root[name], name))
    by_operation: dict[str, int] = {}
    for piece in results.critical_path:
        if piece.root == root:
            by_operation[piece.name] = by_operation.get(piece.name, 0) + piece.ns
    columns: list[Column[tuple[str, int]]] = [
        Column("operation", lambda part: part[0], right=False),
        Column("on path", lambda part: duration(part[1])),
    ]
    parts = sorted(by_operation.items(), key=lambda part: (-part[1], part))
    title = f"Critical path of {root} ({duration(by_root[root])})"
    others = len(by_root) - 1
    note = "What the duration was spent waiting for."
    if others:
        note += f" {count(others)} roots of other names took less."
    return _parts_table(title, columns, parts, lambda part: part[1], options, note)


def regions(results: Results) -> Table:
    """What became of the workers' time in each parallel region."""
    columns: list[Column[Region]] = [
        Column("region", lambda row: row.name, right=False),
        Column("duration", lambda row: duration(row.end_ns - row.start_ns)),
        Column("workers", lambda row: count(row.workers)),
        Column("tasks", lambda row: count(row.tasks), detail=True),
        Column("busy", lambda row: duration(row.busy_ns)),
        Column("overhead", lambda row: duration(row.overhead_ns)),
        Column("start-up", lambda row: duration(row.startup_ns), detail=True),
        Column("queueing", lambda row: duration(row.queueing_ns), detail=True),
        Column("tail", lambda row: duration(row.tail_ns), detail=True),
        Column("unused", lambda row: duration(row.unused_ns), detail=True),
        Column("utilisation", lambda row: percent(row.utilisation)),
    ]
    note = (
        "Overhead: time that workers were not busy, before their first task (start-up), between "
        "tasks (queueing), after their last (tail), or without any (unused). "
        "Busy is not fast: compare with one worker."
    )
    return Table.of(
        "Parallel regions", columns, results.regions, note, bar=lambda row: row.utilisation
    )


def workers(results: Results) -> Table:
    """What each worker of each parallel region did."""
    columns: list[Column[RegionWorker]] = [
        Column("process", lambda row: row.process, right=False),
        Column("tasks", lambda row: count(row.tasks), detail=True),
        Column("busy", lambda row: duration(row.busy_ns)),
        Column("idle", lambda row: duration(row.idle_ns)),
        Column("CPU", lambda row: duration(row.cpu_ns), detail=True),
        Column("waiting", lambda row: duration(row.runqueue_ns), detail=True),
        Column("blocked", lambda row: duration(row.blocked_ns), detail=True),
        Column("utilisation", lambda row: percent(row.utilisation)),
    ]
    note = "Waiting: runnable, without a core. Blocked: neither on a core nor waiting for one."
    return Table.of("Workers", columns, results.workers, note, bar=lambda row: row.utilisation)


def trials(results: Results, options: Options) -> Table:
    """The slowest trials."""
    columns: list[Column[Trial]] = [
        Column("trial", lambda row: f"{row.name} {row.number}", right=False),
        Column("duration", lambda row: duration(row.duration_ns)),
        Column("score", lambda row: "–" if row.score is None else f"{row.score:.4g}"),
        Column("process", lambda row: row.process),
    ]
    ranked = sorted(results.trials, key=lambda row: (-row.duration_ns, row.number, row.start_ns))
    listed = ranked if options.full else ranked[:_SLOWEST_TRIALS]
    longest = max(1, ranked[0].duration_ns)
    title = f"Trials: the slowest {len(listed)} of {len(ranked)}"
    note = " ".join(
        f"{row.name}: {count(row.trials)} trials, mean {duration(row.mean_ns)}, "
        f"p50 {duration(row.p50_ns)}, p95 {duration(row.p95_ns)}, max {duration(row.max_ns)}."
        for row in results.trial_durations
    )
    return Table.of(title, columns, listed, note, bar=lambda row: row.duration_ns / longest)


def functions(results: Results, options: Options) -> Table:
    """The functions that stack samples fell in."""
    columns: list[Column[FunctionTime]] = [
        Column("function", lambda row: row.name, right=False),
        Column("self", lambda row: duration(row.self_ns)),
        Column("total", lambda row: duration(row.total_ns)),
        Column("samples", lambda row: count(row.samples)),
        Column("where", _file_and_line),
    ]
    note = (
        f"From {count(sum(row.samples for row in results.functions))} stack samples, of all that "
        "ran, traced or not. Self: the function is on top of the stack; total: it is anywhere in "
        "it. rbtrace flamegraph draws the stacks."
    )
    return _parts_table(
        "Functions", columns, results.functions, lambda row: row.self_ns, options, note
    )


def _file_and_line(row: FunctionTime) -> str:
    file = without_folders(row.file)
    return f"{file}:{row.line}" if row.line and file else file


def without_folders(file: str) -> str:
    """A source file as reports name it, without the folders in which this machine has it.

    That is what follows the folder of installed packages; of another file, its folder and itself.
    """
    parts = PurePath(file).parts
    installed = [index for index, name in enumerate(parts) if name in _INSTALLED]
    return "/".join(parts[installed[-1] + 1 :] if installed else parts[-2:])


def runs(results: Results, options: Options) -> Table:
    """The wall time of each run."""
    columns: list[Column[TracedRun]] = [
        Column("run", lambda row: row.run_id, right=False),
        Column("wall", lambda row: duration(row.wall_ns)),
        Column("arm", lambda row: row.arm or "–"),
    ]
    return _parts_table("Runs", columns, results.runs, lambda row: row.wall_ns, options)
