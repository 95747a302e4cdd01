"""The report of parallel coordination: its tables and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from rbtrace.analysis.parallel import Region, RegionWorker
from rbtrace.reporting.model import Column, Report, Table
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.statistics import Comparison, compare_runs
from rbtrace.studies.batches import SEQUENTIAL, WAY_NAMES, Point, by_point, of_way, ways_of
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.parallel_coordinator.costs import (
    Work,
    asleep_table,
    costs_of,
    distribution_table,
    model_table,
    work_of,
)
from rbtrace.studies.parallel_coordinator.figures import (
    ClockAgreement,
    Groups,
    PoolRun,
    TracedRun,
    agreements,
    backtests,
    dispatches,
    sequential_runs,
    speed_up,
    time_ratio_to_fewer,
    traced_runs,
)
from rbtrace.studies.parallel_coordinator.findings import findings, pictures
from rbtrace.studies.shared_tables import WAY_COLUMNS, median_column, ratio_interval

TITLE: Final = "Parallel coordination"


def parallel_coordinator_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    runs = [PoolRun.of(case) for case in evidence.measured]
    groups, asleep_groups = backtests(runs), dispatches(runs)
    spans = traced_runs(evidence, groups)
    work, costs = work_of(sequential_runs(groups)), costs_of(asleep_groups)
    agreed = agreements(spans)
    tables = [
        _scaling(groups),
        _where(spans),
        _processes(spans),
        distribution_table(asleep_groups),
        model_table(groups, costs, work, evidence.cores),
        asleep_table(asleep_groups, costs),
        _agreement(agreed),
        _tracing(runs, groups),
        evidence.operations(),
    ]
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=_figures(evidence, runs, work),
        tables=[table for table in tables if table.rows],
        findings=findings(groups, spans, costs, work, agreed, evidence.cores),
        pictures=pictures(groups, costs, work),
        warnings=evidence.warnings(),
    )


def _figures(evidence: Evidence, runs: list[PoolRun], work: Work) -> list[tuple[str, str]]:
    figures = evidence.measured[0].results
    threads = ", ".join(f"{name} {number}" for name, number in sorted(figures["threads"].items()))
    return [
        ("cores that could be used", count(evidence.cores)),
        ("threads of BLAS and OpenMP in each process", threads or "none"),
        ("start method", str(figures["start_method"])),
        ("workers", " ".join(str(number) for number in sorted({run.workers for run in runs}))),
        ("backtests in a batch", count(work.tasks)),
        ("one backtest", duration(work.each_ns)),
        ("what the first of a process takes longer", duration(work.first_ns)),
    ]


def _scaling(groups: Groups) -> Table:
    sequential = sequential_runs(groups)
    gained = {
        point: None if point[0] == SEQUENTIAL else speed_up(sequential, group)
        for point, group in groups.items()
    }
    steps = {(way, workers): time_ratio_to_fewer(groups, way, workers) for way, workers in groups}

    def gain(point: Point) -> float:
        compared = gained[point]
        return compared.ratio if compared else 1.0

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("runs", lambda point: str(len(groups[point]))),
        median_column("time", groups, lambda run: run.wall_ns),
        Column("speed-up", lambda point: ratio(gain(point))),
        Column("95 %", lambda point: ratio_interval(gained[point])),
        Column("efficiency", lambda point: percent(gain(point) / point[1])),
        Column(
            "CPU time ÷ sequential", lambda point: ratio(_cpu(groups[point]) / _cpu(sequential))
        ),
        Column("time ÷ with fewer workers", lambda point: _ratio(steps[point])),
        Column("its 95 %", lambda point: ratio_interval(steps[point])),
    ]
    note = (
        "From before the pool is made until it is closed; medians. Speed-up and efficiency are "
        "against the same backtests one after the other in one process. CPU time is that of the "
        "process with the pool and of its workers, by getrusage. The last ratio compares with the "
        "next smaller number of workers: above 1, the added workers cost more than they give."
    )
    return Table.of("Scaling of real backtests", columns, groups, note)


def _cpu(group: Sequence[PoolRun]) -> float:
    return median(run.batches[0].own_cpu_ns + run.batches[0].children_cpu_ns for run in group)


def _ratio(compared: Comparison | None) -> str:
    return ratio(compared.ratio if compared else None)


def _where(spans: dict[Point, list[TracedRun]]) -> Table:
    def share(title: str, part: Callable[[Region], int | None]) -> Column[Point]:
        return median_column(
            title, spans, lambda run: _share(run.region, part(run.region)), percent
        )

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        share("CPU", lambda region: region.cpu_ns),
        share("waiting for a core", lambda region: region.runqueue_ns),
        share("blocked", lambda region: region.blocked_ns),
        share("start-up", lambda region: region.startup_ns),
        share("queueing", lambda region: region.queueing_ns),
        share("idle tail", lambda region: region.tail_ns),
        share("unused", lambda region: region.unused_ns),
        median_column("coordination overhead", spans, lambda run: run.region.overhead_ns),
        median_column("closing", spans, lambda run: run.run.batches[0].closing_ns),
    ]
    note = (
        "By the spans. The shares are of the workers' time from the call of the pool to the end of "
        "the last backtest (workers × duration). Busy: CPU, waiting for a core, blocked. Overhead: "
        "start-up before a worker's first backtest, queueing between two, idle tail after the "
        "last, workers without any. Closing: from the end of the last backtest to the return."
    )
    return Table.of("Where the workers' time went", columns, spans, note)


def _share(region: Region, part: int | None) -> float | None:
    whole = (region.end_ns - region.start_ns) * region.workers
    return None if part is None or not whole else part / whole


def _processes(spans: dict[Point, list[TracedRun]]) -> Table:
    columns: list[Column[tuple[str, RegionWorker]]] = [
        Column("way", lambda row: row[0], right=False),
        Column("process", lambda row: row[1].process),
        Column("backtests", lambda row: count(row[1].tasks)),
        Column("utilisation", lambda row: percent(row[1].utilisation)),
        Column("CPU", lambda row: duration(row[1].cpu_ns)),
        Column("waiting for a core", lambda row: duration(row[1].runqueue_ns)),
        Column("blocked", lambda row: duration(row[1].blocked_ns)),
        Column("start-up", lambda row: duration(row[1].startup_ns)),
        Column("queueing", lambda row: duration(row[1].queueing_ns)),
        Column("idle tail", lambda row: duration(row[1].tail_ns)),
    ]
    first_runs = {way: spans[way, max(of_way(spans, way))][0] for way in ways_of(spans)}
    rows = [
        ("" if number else WAY_NAMES[way], worker)
        for way, run in first_runs.items()
        for number, worker in enumerate(run.workers)
    ]
    note = (
        "The largest number of workers, its first run. By process: rustybt's worker_id counts "
        "evaluations and names no process."
    )
    title = "Utilisation of each worker"
    return Table.of(title, columns, rows, note, bar=lambda row: row[1].utilisation)


def _agreement(agreed: Sequence[ClockAgreement]) -> Table:
    """The two means beside each other."""
    columns: list[Column[ClockAgreement]] = [
        Column("way", lambda row: WAY_NAMES[row.way], right=False),
        Column("workers", lambda row: str(row.workers)),
        Column("busy, by a clock", lambda row: duration(row.clocked)),
        Column("busy, by rbtrace", lambda row: duration(row.busy)),
        Column("busy ÷", lambda row: ratio(row.busy_ratio, decimals=4)),
        Column("CPU, by getrusage", lambda row: duration(row.used)),
        Column("CPU, by rbtrace", lambda row: duration(row.cpu)),
        Column("CPU ÷", lambda row: ratio(row.cpu_ratio, decimals=4)),
        Column("CPU of the workers' life", lambda row: duration(row.life)),
        Column(
            "of it in backtests", lambda row: percent(row.used / row.life if row.life else None)
        ),
    ]
    note = (
        "The same backtests in the same workers. Beside the spans: the monotonic clock and "
        "getrusage of the thread, read in the worker; and getrusage of the children, which the "
        "kernel gives to whoever waited for them: their life from the fork to the exit. A span "
        "encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table.of("Check: getrusage of the workers", columns, agreed, note)


def _tracing(runs: list[PoolRun], groups: Groups) -> Table:
    """The same backtests with and without tracing; no rows where there are none without."""
    untraced = by_point(run for run in runs if not run.traced and not run.dispatch)
    both = {point: (untraced[point], group) for point, group in groups.items() if point in untraced}
    compared = {
        point: compare_runs([run.wall_ns for run in plain], [run.wall_ns for run in traced])
        for point, (plain, traced) in both.items()
    }
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("runs", lambda point: " and ".join(str(len(group)) for group in both[point])),
        Column("traced ÷ untraced", lambda point: _ratio(compared[point])),
        Column("95 %", lambda point: ratio_interval(compared[point])),
    ]
    return Table.of("Check: what tracing adds", columns, compared)
