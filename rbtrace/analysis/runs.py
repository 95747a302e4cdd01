"""Runs: their wall time, the figures of each for comparisons, and intervals of shares over runs.

The wall time of a run is the union of its real spans, so that gaps don't count.

The interval of a share says how far it would move if the same runs were made again. The run is the
unit. With fewer than five, or with runs of several configurations, there is no interval, and `note`
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Ints, Labels, distinct, occurring, sum_by, union_lengths
from rbtrace.analysis.breakdowns import DEEPER, OperationTime, path_nodes
from rbtrace.analysis.table import SpanTable, Weights
from rbtrace.statistics.diagnostics import LEAST_RUNS
from rbtrace.statistics.findings import GIANT_SPAN
from rbtrace.statistics.shares import ENOUGH_K_EFF, share_interval


class TracedRun(Struct, frozen=True, gc=False):
    """One run: `rbtrace.run.id`, or a trace id where there is none. Wall time in ns.

    `pair` and `order` are set in a benchmark of pairs, None elsewhere.
    """

    run_id: str
    arm: str | None
    wall_ns: int
    pair: int | None = None
    order: int | None = None


def runs(table: SpanTable) -> list[TracedRun]:
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
    run_rows = [
        TracedRun(origin.run_id, origin.arm, wall, origin.pair, origin.order)
        for origin, wall in zip(table.runs, walls, strict=True)
    ]
    occurs = occurring(table.run, len(run_rows)).tolist()
    return sorted((run_rows[code] for code in occurs), key=lambda run: run.run_id)


type CallPathKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run. Times in ns, the start in epoch ns.

    `self_ns` is by operation, `calls` by call path; operations and paths without a call are not
    there. `fingerprints` are those of all backtests of the run, sorted.
    """

    run: TracedRun
    started_ns: int
    hosts: tuple[str, ...]
    self_ns: Mapping[str, int]
    calls: Mapping[CallPathKey, int]
    fingerprints: tuple[str, ...]


def figures_by_run(table: SpanTable, weights: Weights, self_ns: Ints) -> list[RunFigures]:
    """The figures of every run, by run id."""
    named = {origin.run_id: code for code, origin in enumerate(table.runs)}
    selfs = self_by_run(table, self_ns)
    calls = _calls_by_run(table, weights)
    started = np.full(len(table.runs), np.iinfo(np.int64).max)
    np.minimum.at(started, table.run[~table.summary], table.start[~table.summary])
    hosts: dict[int, set[str]] = {}
    processes = len(table.processes)
    pairs = table.run.astype(np.int64) * processes + table.process
    pairs, _ = distinct(pairs, len(table.runs) * processes)
    for run, process in zip(*(part.tolist() for part in np.divmod(pairs, processes)), strict=True):
        hosts.setdefault(run, set()).add(table.processes[process].host)
    fingerprints: dict[int, list[str]] = {}
    for row, own in table.own_attributes.items():
        if own.fingerprint is not None:
            fingerprints.setdefault(int(table.run[row]), []).append(own.fingerprint)
    return [
        RunFigures(
            run=traced_run,
            started_ns=int(started[code]),
            hosts=tuple(sorted(hosts[code])),
            self_ns=selfs[code],
            calls=calls.get(code, {}),
            fingerprints=tuple(sorted(fingerprints.get(code, ()))),
        )
        for traced_run in runs(table)
        for code in (named[traced_run.run_id],)
    ]


def self_by_run(table: SpanTable, self_ns: Ints) -> list[dict[str, int]]:
    """Self time of each operation in each run, ns; operations that a run has no call of are not."""
    counted = table.real | table.summary
    sums = _sums_by_run(
        table.run[counted], table.name[counted], self_ns[counted], len(table.runs), len(table.names)
    )
    by_run: list[dict[str, int]] = [{} for _ in table.runs]
    for run, name, ns in sums:
        by_run[run][table.names[name]] = ns
    return by_run


def _calls_by_run(table: SpanTable, weights: Weights) -> dict[int, dict[CallPathKey, int]]:
    node, above, name = path_nodes(table)
    texts = [*table.names, DEEPER]
    paths: list[CallPathKey] = []
    for parent, code in zip(above.tolist(), name.tolist(), strict=True):
        paths.append((*(paths[parent] if parent != NO_PARENT else ()), texts[code]))
    counted = table.real | table.summary
    by_run: dict[int, dict[CallPathKey, int]] = {}
    for run, path, calls in _sums_by_run(
        table.run[counted], node[counted], weights.calls[counted], len(table.runs), len(paths)
    ):
        by_run.setdefault(run, {})[paths[path]] = calls
    return by_run


def _sums_by_run(
    run: Labels, code: Labels, values: Ints, runs: int, codes: int
) -> list[tuple[int, int, int]]:
    """Sums of values for each pair of run and code that occurs: (run, code, sum)."""
    pairs = run.astype(np.int64) * codes + code
    keys, position = distinct(pairs, runs * codes)
    sums = sum_by(position, values, keys.size).tolist()
    return [(*divmod(key, codes), ns) for key, ns in zip(keys.tolist(), sums, strict=True)]


_FREQUENT_CALLS: Final = 10
"""Calls per run above which no single call should be a tenth of the time."""
_ROUNDING: Final = 1e-9


class OperationsWithIntervals(NamedTuple):
    """Operations with the intervals of their shares; why there are none, else ""; warnings."""

    operations: list[OperationTime]
    note: str
    warnings: list[str]


def with_intervals(
    operations: list[OperationTime], table: SpanTable, self_ns: Ints
) -> OperationsWithIntervals:
    """Add the interval of its share to every operation, where the runs allow one."""
    return over_runs(
        operations,
        self_by_run(table, self_ns),
        len({run.arm for run in table.runs}),
        lambda: _largest_calls(table, self_ns),
    )


def over_runs(
    operations: list[OperationTime],
    by_run: list[dict[str, int]],
    arms: int,
    largest_calls: Callable[[], dict[str, int]],
) -> OperationsWithIntervals:
    """Add the interval of its share to every operation, where the runs allow one.

    Args:
        operations: the operations of all runs together.
        by_run: for each run, the self time of its operations, ns.
        arms: number of arms that the runs belong to.
        largest_calls: gives the longest time, by operation, that one call spent in itself, ns.
    """
    not_empty = (self_ns for self_ns in by_run if sum(self_ns.values()) > 0)
    # Sums of floats depend on the order of runs, which must not depend on the order of reading.
    run_self_times = sorted(not_empty, key=lambda self_ns: sorted(self_ns.items()))
    run_totals = [sum(self_ns.values()) for self_ns in run_self_times]
    if note := _why_no_intervals(run_totals, arms):
        return OperationsWithIntervals(operations, note, [])
    largest = largest_calls()
    rows, warnings = [], []
    for operation in operations:
        is_frequent = operation.calls > _FREQUENT_CALLS * len(run_self_times)
        interval = share_interval(
            [self_ns.get(operation.name, 0) for self_ns in run_self_times],
            run_totals,
            largest_span=largest[operation.name] if is_frequent else None,
        )
        rows.append(replace(operation, share_ci=interval.ci))
        warnings += [
            f"share of {operation.name}: {warning.message}"
            for warning in interval.warnings
            if warning == GIANT_SPAN
        ]
    return OperationsWithIntervals(rows, "", warnings)


def _why_no_intervals(run_totals: list[int], arms: int) -> str:
    """Why there are no intervals; "" if there are."""
    if arms > 1:
        return "No intervals of shares: the runs are of several arms."
    runs = "1 run" if len(run_totals) == 1 else f"{len(run_totals)} runs"
    if len(run_totals) < LEAST_RUNS:
        return f"No intervals of shares: {runs}, and they need {LEAST_RUNS}."
    k_eff = sum(run_totals) ** 2 / sum(total**2 for total in run_totals)
    if k_eff < ENOUGH_K_EFF - _ROUNDING:
        return (
            f"No intervals of shares: {runs} of so unequal length count for {k_eff:.1f}, and they "
            f"need {ENOUGH_K_EFF}."
        )
    return ""


def _largest_calls(table: SpanTable, self_ns: Ints) -> dict[str, int]:
    """The longest time, by operation, that one call spent in itself: at most, for summaries."""
    longest = np.zeros(len(table.names), np.int64)
    np.maximum.at(longest, table.name[table.real], self_ns[table.real])
    summaries = table.summaries
    at_most = np.minimum(summaries.longest, summaries.self_ns)
    np.maximum.at(longest, table.name[summaries.row], at_most)
    return dict(zip(table.names, longest.tolist(), strict=True))
