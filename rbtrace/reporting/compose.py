"""From results to a report: which tables there are, and what stands in them."""

from __future__ import annotations

from typing import Final

from rbtrace.analysis.breakdowns import FunctionTime
from rbtrace.analysis.results import Results
from rbtrace.reporting.breakdown import Part, breakdown, by_category, list_parts
from rbtrace.reporting.files import without_folders
from rbtrace.reporting.model import By, Options, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.reporting.verdict import sentences

_SLOWEST_TRIALS: Final = 10
_DETAILS: Final = frozenset(
    {"tasks", "CPU", "waiting", "blocked", "start-up", "queueing", "tail", "unused"}
)


def compose(results: Results, options: Options) -> Report:
    """Make a report; integrity opens it."""
    tables = [breakdown(results, options)]
    if options.by is not By.CATEGORY and len(results.categories) > 1:
        tables.append(by_category(results, options))
    if results.critical_path:
        tables.append(_critical_path(results, options))
    if results.regions:
        tables += [_regions(results), _workers(results)]
    if results.trials:
        tables.append(_trials(results, options))
    if results.functions:
        tables.append(_functions(results, options))
    if len(results.runs) > 1:
        tables.append(_runs(results, options))
    return Report(
        title="Where the time went",
        complete=results.integrity.complete,
        integrity=sentences(results.integrity),
        figures=_figures(results),
        tables=tables,
        scope=_scope(results),
        warnings=results.warnings,
    )


def _scope(results: Results) -> str:
    """Where a database made the figures, and what a filter did to them."""
    computed = f"Computed {results.computed}. " if results.computed else ""
    if results.filter is None:
        return computed.rstrip()
    part = results.self_ns / max(1, results.filter.whole_self_ns)
    return (
        f"{computed}Only spans with {results.filter.expression}: {count(results.filter.spans)} of "
        f"{count(results.integrity.spans)}, {percent(part)} of all self time. Shares are of "
        "theirs; wall time, parallelism, critical path and regions are of the whole trace."
    )


def _figures(results: Results) -> list[tuple[str, str]]:
    return [
        ("wall time", duration(results.wall_ns)),
        ("self time", duration(results.self_ns)),
        ("parallelism", ratio(results.parallelism, "×")),
        ("overhead to computation", ratio(results.overhead_to_computation)),
        ("runs", count(len(results.runs))),
        ("processes", count(len(results.processes))),
    ]


def _critical_path(results: Results, options: Options) -> Table:
    """The critical paths of the roots of one name: those that took longest together."""
    by_root: dict[str, int] = {}
    for piece in results.critical_path:
        by_root[piece.root] = by_root.get(piece.root, 0) + piece.ns
    root = max(by_root, key=lambda name: (by_root[name], name))
    spent: dict[str, int] = {}
    roots = set()
    for piece in results.critical_path:
        if piece.root == root:
            spent[piece.name] = spent.get(piece.name, 0) + piece.ns
            roots.add((piece.root_start_ns, piece.process))
    parts = [
        Part(name, ns, []) for name, ns in sorted(spent.items(), key=lambda item: (-item[1], item))
    ]
    title = f"Critical path of {root} ({duration(by_root[root])})"
    others = len(by_root) - 1
    note = "What the duration was spent waiting for."
    if others:
        note += f" {count(others)} roots of other names took less."
    return list_parts(title, parts, ["operation", "on path"], options, note)


def _regions(results: Results) -> Table:
    titles = ["duration", "workers", "tasks", "busy", "overhead"]
    titles += ["start-up", "queueing", "tail", "unused", "utilisation"]
    rows = [
        Row(
            [
                one.name,
                duration(one.end_ns - one.start_ns),
                count(one.workers),
                count(one.tasks),
                duration(one.busy_ns),
                duration(one.overhead_ns),
                duration(one.startup_ns),
                duration(one.queueing_ns),
                duration(one.tail_ns),
                duration(one.unused_ns),
                percent(one.utilisation),
            ],
            one.utilisation,
        )
        for one in results.regions
    ]
    note = (
        "Overhead: time that workers were not busy, before their first task (start-up), between "
        "tasks (queueing), after their last (tail), or without any (unused). "
        "Busy is not fast: compare with one worker."
    )
    return Table("Parallel regions", columns("region", titles, _DETAILS), rows, note)


def _workers(results: Results) -> Table:
    titles = ["tasks", "busy", "idle", "CPU", "waiting", "blocked", "utilisation"]
    rows = [
        Row(
            [
                one.process,
                count(one.tasks),
                duration(one.busy_ns),
                duration(one.idle_ns),
                duration(one.cpu_ns),
                duration(one.runqueue_ns),
                duration(one.blocked_ns),
                percent(one.utilisation),
            ],
            one.utilisation,
        )
        for one in results.workers
    ]
    note = "Waiting: runnable, without a core. Blocked: neither on a core nor waiting for one."
    return Table("Workers", columns("process", titles, _DETAILS), rows, note)


def _trials(results: Results, options: Options) -> Table:
    ranked = sorted(results.trials, key=lambda one: (-one.duration_ns, one.number, one.start_ns))
    listed = ranked if options.full else ranked[:_SLOWEST_TRIALS]
    longest = max(1, ranked[0].duration_ns)
    rows = [
        Row(
            [
                f"{one.name} {one.number}",
                duration(one.duration_ns),
                "–" if one.score is None else f"{one.score:.4g}",
                one.process,
            ],
            one.duration_ns / longest,
        )
        for one in listed
    ]
    title = f"Trials: the slowest {len(listed)} of {len(ranked)}"
    note = " ".join(
        f"{one.name}: {count(one.trials)} trials, mean {duration(one.mean_ns)}, "
        f"p50 {duration(one.p50_ns)}, p95 {duration(one.p95_ns)}, max {duration(one.max_ns)}."
        for one in results.trial_durations
    )
    return Table(title, columns("trial", ["duration", "score", "process"]), rows, note)


def _functions(results: Results, options: Options) -> Table:
    parts = [
        Part(row.name, row.self_ns, [duration(row.total_ns), count(row.samples), _place(row)])
        for row in results.functions
    ]
    note = (
        f"From {count(sum(row.samples for row in results.functions))} stack samples, of all that "
        "ran, traced or not. Self: the function is on top of the stack; total: it is anywhere in "
        "it. rbtrace flamegraph draws the stacks."
    )
    titles = ["function", "self", "total", "samples", "where"]
    return list_parts("Functions", parts, titles, options, note)


def _place(row: FunctionTime) -> str:
    """File and line."""
    shown = without_folders(row.file)
    return f"{shown}:{row.line}" if row.line and shown else shown


def _runs(results: Results, options: Options) -> Table:
    parts = [Part(one.run_id, one.wall_ns, [one.arm or "–"]) for one in results.runs]
    return list_parts("Runs", parts, ["run", "wall", "arm"], options)
