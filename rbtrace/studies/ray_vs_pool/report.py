"""The report of Ray beside multiprocessing.Pool."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Final

from rbtrace.recording.propagation.objective import EVALUATE
from rbtrace.reporting.model import Column, Report, Table
from rbtrace.reporting.numbers import count, duration, percent, ratio, size
from rbtrace.studies.batches import (
    RAY,
    SEQUENTIAL,
    WAY_NAMES,
    Point,
    by_point,
    of_way,
    ways_of,
    with_workers,
)
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.ray_vs_pool.figures import (
    AGAIN,
    ARRAYS,
    AT_ONCE,
    FIRST,
    KEPT,
    ONE_BY_ONE,
    OPTIMIZER,
    STARTED,
    BatchesRun,
    Groups,
    Measurements,
    batch_time,
    time_per_task,
)
from rbtrace.studies.ray_vs_pool.findings import findings, pictures
from rbtrace.studies.shared_tables import WAY_COLUMNS, median_column, ratio_interval


def task_table(groups: Groups) -> Table:
    """What it takes to have a task done that is over at once."""

    def measured(point: Point) -> Measurements:
        return groups[point][0].measured

    def message(point: Point, figure: str) -> int | None:
        return (measured(point).message or {}).get(figure)

    def array_rate(point: Point) -> str:
        arrays = time_per_task(groups[point], ARRAYS)
        return f"{size(measured(point).array_bytes * 1e9 / arrays)}/s"

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        median_column("pipelined", groups, lambda run: run.each_ns(AT_ONCE)),
        median_column("one at a time", groups, lambda run: run.each_ns(ONE_BY_ONE)),
        Column("task", lambda point: size(message(point, "task_bytes"))),
        Column("pickling it", lambda point: duration(message(point, "task_ns"))),
        Column("result", lambda point: size(message(point, "result_bytes"))),
        Column("pickling the result", lambda point: duration(message(point, "result_ns"))),
        Column("once, for all tasks", lambda point: size(message(point, "once_bytes"))),
        Column("array", lambda point: size(measured(point).array_bytes)),
        median_column("task with an array", groups, lambda run: run.each_ns(ARRAYS)),
        Column("rate", array_rate),
    ]
    note = (
        "Time per task. Pipelined: all are given out, then waited for. One at a time: each is "
        "waited for before the next. Bytes are those of what is pickled for a task and its result; "
        "Ray pickles the function once, and sends more that is not pickled. An array is "
        "an argument of its own for each task: through a pipe in a pool, in Ray's object store."
    )
    return Table.of("What a task costs", columns, with_workers(groups), note)


def memory_table(groups: Groups) -> Table:
    """What the workers hold, and what else runs for them."""

    def memory(title: str, when: str, whose: str, kind: str) -> Column[Point]:
        what = f"{whose}_{kind}"
        return median_column(
            f"{title}, {kind}", groups, lambda run: run.measured.memory[when][what], size
        )

    def helpers(point: Point) -> str:
        after = (run.measured.memory["after"] for run in groups[point])
        return count(max(memory["helpers_processes"] for memory in after))

    kinds = ("resident", "proportional")
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        *(memory("before", "before", "workers", kind) for kind in kinds),
        *(memory("after", "after", "workers", kind) for kind in kinds),
        Column("other processes", helpers),
        *(memory("others", "after", "helpers", kind) for kind in kinds),
        *(memory("own", "after", "own", kind) for kind in kinds),
    ]
    note = (
        "By /proc/PID/smaps_rollup: all workers together, before the backtests and after; other "
        "processes, which are Ray's servers, agents and dashboard; and the process that gives out "
        "the tasks, its own. "
        "Resident counts a page for every process that has it, proportional divides it among them: "
        "forked workers share most with the process that forked them."
    )
    return Table.of("Memory", columns, with_workers(groups), note)


BATCH_LABELS: dict[str, str] = {OPTIMIZER: "rustybt's optimizer"}
"""Batches whose names say too little."""


def ray_table(groups: Groups) -> Table:
    """Tasks that were given to Ray, and what its state API knows of them."""
    runs = list(chain.from_iterable(of_way(groups, RAY).values()))

    def results(name: str) -> int:
        return sum(len(run.measured.batches[name].evaluated) for run in runs)

    def finished(name: str) -> int:
        return sum((run.measured.finished or {}).get(name, 0) for run in runs)

    def of_arrays(title: str, value: Callable[[BatchesRun], int]) -> Column[str]:
        return Column(title, lambda name: size(sum(map(value, runs)) if name == ARRAYS else None))

    columns: list[Column[str]] = [
        Column("batch", lambda name: BATCH_LABELS.get(name, name), right=False),
        Column("results", lambda name: count(results(name))),
        Column("finished, says Ray", lambda name: count(finished(name))),
        Column("equal", lambda name: "yes" if results(name) == finished(name) else "no"),
        of_arrays("arrays", _array_bytes),
        of_arrays("objects, says Ray", lambda run: run.measured.stored_bytes or 0),
    ]
    note = (
        "Results that came back, and tasks that have finished by ray.util.state.list_tasks; "
        "bytes of the arrays, and of the objects by summarize_objects, which have a header each."
    )
    batches = runs[0].measured.batches if runs else ()
    return Table.of("Check: Ray's state API", columns, batches, note)


def _array_bytes(run: BatchesRun) -> int:
    return run.measured.array_bytes * len(run.measured.batches[ARRAYS].evaluated)


def clock_table(evidence: Evidence, groups: Groups) -> Table:
    """Evaluations by the workers' own clock, and by their spans."""
    durations = {
        point: [
            task.ended_ns - task.started_ns
            for run in group
            for name in (FIRST, AGAIN, OPTIMIZER)
            for task in run.measured.batches[name].evaluated
        ]
        for point, group in with_workers(groups).items()
    }
    spans = {
        (way, workers): [
            operation
            for run in groups[way, workers]
            for operation in evidence.results_of(run.run_id).operations
            if operation.name in {f"{way}.evaluate", EVALUATE}
        ]
        for way, workers in durations
    }

    def clocked(point: Point) -> int:
        return sum(durations[point])

    def total(point: Point) -> int:
        return sum(operation.total_ns for operation in spans[point])

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("backtests", lambda point: count(len(durations[point]))),
        Column("spans", lambda point: count(sum(operation.calls for operation in spans[point]))),
        Column("by a clock", lambda point: duration(clocked(point))),
        Column("by rbtrace", lambda point: duration(total(point))),
        Column("÷", lambda point: ratio(total(point) / clocked(point), decimals=4)),
    ]
    note = (
        "The monotonic clock around each backtest, read in the worker, and the spans of the same. "
        "A span encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table.of("Check: a clock in the workers", columns, durations, note)


TITLE: Final = "Ray and multiprocessing.Pool"


def ray_vs_pool_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    groups = by_point(map(BatchesRun.of, evidence.measured))
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=_figures(evidence, groups),
        tables=[
            _started(groups),
            _gained(groups),
            task_table(groups),
            memory_table(groups),
            ray_table(groups),
            clock_table(evidence, groups),
            evidence.operations(),
        ],
        findings=findings(groups),
        pictures=pictures(groups),
        warnings=evidence.warnings(),
    )


def _figures(evidence: Evidence, groups: Groups) -> list[tuple[str, str]]:
    sequential = groups[SEQUENTIAL, 1]
    tasks = len(sequential[0].measured.batches[FIRST].evaluated)
    return [
        ("cores that could be used", count(evidence.cores)),
        *(
            (f"threads of BLAS and OpenMP, workers of {WAY_NAMES[way]}", _threads(groups, way))
            for way in ways_of(with_workers(groups))
        ),
        ("backtests in a batch", count(tasks)),
        (
            "the same one after the other",
            duration(batch_time(sequential, FIRST)),
        ),
    ]


def _threads(groups: Groups, way: str) -> str:
    runs = chain.from_iterable(of_way(groups, way).values())
    return " ".join(map(str, sorted({number for run in runs for number in run.measured.threads})))


def _started(groups: Groups) -> Table:
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("runs", lambda point: str(len(groups[point]))),
        median_column("making", groups, lambda run: run.measured.made_ns),
        median_column("until all work", groups, lambda run: run.startup_ns),
        median_column("backtests, first time", groups, lambda run: run.wall_ns(FIRST)),
        median_column("the same again", groups, lambda run: run.wall_ns(AGAIN)),
        median_column("by rustybt's optimizer", groups, lambda run: run.wall_ns(OPTIMIZER)),
        median_column("closing", groups, lambda run: run.measured.closing_ns),
        median_column("started for one batch", groups, lambda run: run.started_for_it_ns),
    ]
    note = (
        "Making: multiprocessing.Pool(), ray.init() with its dashboard. Until all work: that, and "
        "until every worker has done a task. First time: a worker of Ray imports the engine, one "
        "of the pool is forked with it. Again: by the same workers. rustybt's ParallelOptimizer "
        "makes a pool of its own, and uses the Ray that is there. Started for one batch: start-up, "
        "first time and closing, as a script pays it that does one search."
    )
    return Table.of("The same backtests", columns, with_workers(groups), note)


def _gained(groups: Groups) -> Table:
    points = with_workers(groups)
    started = {point: STARTED.speed_up(groups, point) for point in points}
    kept = {point: KEPT.speed_up(groups, point) for point in points}
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("started for one batch: speed-up", lambda point: ratio(started[point].ratio)),
        Column("95 %", lambda point: ratio_interval(started[point])),
        Column("efficiency", lambda point: percent(started[point].ratio / point[1])),
        Column("kept: speed-up", lambda point: ratio(kept[point].ratio)),
        Column("its 95 %", lambda point: ratio_interval(kept[point])),
        Column("its efficiency", lambda point: percent(kept[point].ratio / point[1])),
    ]
    note = (
        "Against the same backtests one after the other in one process. Kept: the second batch of "
        "the same workers, against that process without what its first backtest takes longer than "
        "the others."
    )
    return Table.of("Speed-up", columns, points, note)
