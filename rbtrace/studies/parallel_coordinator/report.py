"""The report of parallel coordination: its tables and checks."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from rbtrace.reporting.model import Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.statistics import compare_runs
from rbtrace.studies.batches import SEQUENTIAL, WAY_NAMES, Point, of_way, ways_of
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
    wall,
)
from rbtrace.studies.parallel_coordinator.findings import findings, pictures
from rbtrace.studies.shared_tables import ratio_interval

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
    rows = []
    for (way, workers), group in groups.items():
        gained = speed_up(sequential, group) if way != SEQUENTIAL else None
        next_step = time_ratio_to_fewer(groups, way, workers)
        cpu = median(_cpu(run) for run in group) / median(_cpu(run) for run in sequential)
        rows.append(
            Row(
                [
                    WAY_NAMES[way],
                    str(workers),
                    str(len(group)),
                    duration(wall(group)),
                    ratio(gained.ratio if gained else 1.0),
                    ratio_interval(gained),
                    percent(gained.ratio / workers if gained else 1.0),
                    ratio(cpu),
                    ratio(next_step.ratio if next_step else None),
                    ratio_interval(next_step),
                ]
            )
        )
    titles = ["workers", "runs", "time", "speed-up", "95 %", "efficiency", "CPU time ÷ sequential"]
    titles += ["time ÷ with fewer workers", "its 95 %"]
    note = (
        "From before the pool is made until it is closed; medians. Speed-up and efficiency are "
        "against the same backtests one after the other in one process. CPU time is that of the "
        "process with the pool and of its workers, by getrusage. The last ratio compares with the "
        "next smaller number of workers: above 1, the added workers cost more than they give."
    )
    return Table("Scaling of real backtests", columns("way", titles), rows, note)


def _cpu(run: PoolRun) -> int:
    return run.batches[0].own_cpu_ns + run.batches[0].children_cpu_ns


def _where(spans: dict[Point, list[TracedRun]]) -> Table:
    rows = []
    for (way, workers), group in spans.items():
        cells = [WAY_NAMES[way], str(workers)]
        for part in ("cpu", "runqueue", "blocked", "startup", "queueing", "tail", "unused"):
            shares = [_share(run, f"{part}_ns") for run in group]
            known = [share for share in shares if share is not None]
            cells.append(percent(median(known) if known else None))
        overhead = median(run.region.overhead_ns for run in group)
        closing = median(run.run.batches[0].closing_ns for run in group)
        rows.append(Row([*cells, duration(overhead), duration(closing)]))
    titles = ["workers", "CPU", "waiting for a core", "blocked", "start-up", "queueing"]
    titles += ["idle tail", "unused", "coordination overhead", "closing"]
    note = (
        "By the spans. The shares are of the workers' time from the call of the pool to the end of "
        "the last backtest (workers × duration). Busy: CPU, waiting for a core, blocked. Overhead: "
        "start-up before a worker's first backtest, queueing between two, idle tail after the "
        "last, workers without any. Closing: from the end of the last backtest to the return."
    )
    return Table("Where the workers' time went", columns("way", titles), rows, note)


def _share(run: TracedRun, part: str) -> float | None:
    value: int | None = getattr(run.region, part)
    whole = (run.region.end_ns - run.region.start_ns) * run.region.workers
    return None if value is None or not whole else value / whole


def _processes(spans: dict[Point, list[TracedRun]]) -> Table:
    rows = []
    for way in ways_of(spans):
        workers = max(of_way(spans, way))
        for row, worker in enumerate(spans[way, workers][0].workers):
            rows.append(
                Row(
                    [
                        WAY_NAMES[way] if row == 0 else "",
                        worker.process,
                        count(worker.tasks),
                        percent(worker.utilisation),
                        duration(worker.cpu_ns),
                        duration(worker.runqueue_ns),
                        duration(worker.blocked_ns),
                        duration(worker.startup_ns),
                        duration(worker.queueing_ns),
                        duration(worker.tail_ns),
                    ],
                    worker.utilisation,
                )
            )
    titles = ["process", "backtests", "utilisation", "CPU", "waiting for a core", "blocked"]
    titles += ["start-up", "queueing", "idle tail"]
    note = (
        "The largest number of workers, its first run. By process: rustybt's worker_id counts "
        "evaluations and names no process."
    )
    return Table("Utilisation of each worker", columns("way", titles), rows, note)


def _agreement(agreed: Sequence[ClockAgreement]) -> Table:
    """The two means beside each other."""
    rows = [
        Row(
            [
                WAY_NAMES[agreement.way],
                str(agreement.workers),
                duration(agreement.clocked),
                duration(agreement.busy),
                f"{agreement.busy_ratio:.4f}",
                duration(agreement.used),
                duration(agreement.cpu),
                "–" if agreement.cpu_ratio is None else f"{agreement.cpu_ratio:.4f}",
                duration(agreement.life),
                percent(agreement.used / agreement.life if agreement.life else None),
            ]
        )
        for agreement in agreed
    ]
    titles = ["workers", "busy, by a clock", "busy, by rbtrace", "busy ÷", "CPU, by getrusage"]
    titles += ["CPU, by rbtrace", "CPU ÷", "CPU of the workers' life", "of it in backtests"]
    note = (
        "The same backtests in the same workers. Beside the spans: the monotonic clock and "
        "getrusage of the thread, read in the worker; and getrusage of the children, which the "
        "kernel gives to whoever waited for them: their life from the fork to the exit. A span "
        "encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table("Check: getrusage of the workers", columns("way", titles), rows, note)


def _tracing(runs: list[PoolRun], groups: Groups) -> Table:
    """The same backtests with and without tracing; no rows where there are none without."""
    rows = []
    for (way, workers), traced in groups.items():
        plain = [
            run.wall_ns
            for run in runs
            if not run.traced and not run.dispatch and (run.way, run.workers) == (way, workers)
        ]
        if plain:
            compared = compare_runs(plain, [run.wall_ns for run in traced])
            cells = [
                f"{len(plain)} and {len(traced)}",
                ratio(compared.ratio),
                ratio_interval(compared),
            ]
            rows.append(Row([WAY_NAMES[way], str(workers), *cells]))
    titles = ["workers", "runs", "traced ÷ untraced", "95 %"]
    return Table("Check: what tracing adds", columns("way", titles), rows)
