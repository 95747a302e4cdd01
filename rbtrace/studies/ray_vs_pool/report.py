"""The report of Ray beside multiprocessing.Pool."""

from __future__ import annotations

from itertools import chain
from typing import Final

from rbtrace.recording.propagation.objective import EVALUATE
from rbtrace.reporting.model import Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio, size
from rbtrace.studies.batches import (
    RAY,
    SEQUENTIAL,
    WAY_NAMES,
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
    batch_time,
    median_memory,
    median_of,
    time_per_task,
)
from rbtrace.studies.ray_vs_pool.findings import findings, pictures
from rbtrace.studies.shared_tables import ratio_interval


def task_table(groups: Groups) -> Table:
    """What it takes to have a task done that is over at once."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        message = group[0].measured.message or {}
        array = group[0].measured.array_bytes
        arrays = time_per_task(group, ARRAYS)
        rows.append(
            Row(
                [
                    WAY_NAMES[way],
                    str(workers),
                    duration(time_per_task(group, AT_ONCE)),
                    duration(time_per_task(group, ONE_BY_ONE)),
                    size(message.get("task_bytes")),
                    duration(message.get("task_ns")),
                    size(message.get("result_bytes")),
                    duration(message.get("result_ns")),
                    size(message.get("once_bytes")),
                    size(array),
                    duration(arrays),
                    f"{size(array * 1e9 / arrays)}/s",
                ]
            )
        )
    titles = ["workers", "pipelined", "one at a time", "task", "pickling it", "result"]
    titles += ["pickling the result", "once, for all tasks", "array", "task with an array", "rate"]
    note = (
        "Time per task. Pipelined: all are given out, then waited for. One at a time: each is "
        "waited for before the next. Bytes are those of what is pickled for a task and its result; "
        "Ray pickles the function once, and sends more that is not pickled. An array is "
        "an argument of its own for each task: through a pipe in a pool, in Ray's object store."
    )
    return Table("What a task costs", columns("way", titles), rows, note)


def memory_table(groups: Groups) -> Table:
    """What the workers hold, and what else runs for them."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        cells = [WAY_NAMES[way], str(workers)]
        for when, whose in (
            ("before", "workers"),
            ("after", "workers"),
            ("after", "helpers"),
            ("after", "own"),
        ):
            if whose == "helpers":
                helpers = (run.measured.memory[when]["helpers_processes"] for run in group)
                cells.append(count(max(helpers)))
            cells += [
                size(median_memory(group, when, f"{whose}_{kind}"))
                for kind in ("resident", "proportional")
            ]
        rows.append(Row(cells))
    parts = [
        f"{when}, {kind}" for when in ("before", "after") for kind in ("resident", "proportional")
    ]
    titles = ["workers", *parts, "other processes", "others, resident", "others, proportional"]
    titles += ["own, resident", "own, proportional"]
    note = (
        "By /proc/PID/smaps_rollup: all workers together, before the backtests and after; other "
        "processes, which are Ray's servers, agents and dashboard; and the process that gives out "
        "the tasks, its own. "
        "Resident counts a page for every process that has it, proportional divides it among them: "
        "forked workers share most with the process that forked them."
    )
    return Table("Memory", columns("way", titles), rows, note)


BATCH_LABELS: dict[str, str] = {OPTIMIZER: "rustybt's optimizer"}
"""Batches whose names say too little."""


def ray_table(groups: Groups) -> Table:
    """Tasks that were given to Ray, and what its state API knows of them."""
    runs = list(chain.from_iterable(of_way(groups, RAY).values()))
    rows = []
    for name in runs[0].measured.batches if runs else ():
        handed = sum(len(run.measured.batches[name].evaluated) for run in runs)
        finished = sum((run.measured.finished or {}).get(name, 0) for run in runs)
        same = "yes" if handed == finished else "no"
        stored = sum(run.measured.stored_bytes or 0 for run in runs) if name == ARRAYS else None
        given = sum(_array_bytes(run) for run in runs) if name == ARRAYS else None
        cells = [count(handed), count(finished), same, size(given), size(stored)]
        rows.append(Row([BATCH_LABELS.get(name, name), *cells]))
    note = (
        "Results that came back, and tasks that have finished by ray.util.state.list_tasks; "
        "bytes of the arrays, and of the objects by summarize_objects, which have a header each."
    )
    titles = ["results", "finished, says Ray", "equal", "arrays", "objects, says Ray"]
    return Table("Check: Ray's state API", columns("batch", titles), rows, note)


def _array_bytes(run: BatchesRun) -> int:
    return run.measured.array_bytes * len(run.measured.batches[ARRAYS].evaluated)


def clock_table(evidence: Evidence, groups: Groups) -> Table:
    """Evaluations by the workers' own clock, and by their spans."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        durations = [
            task.ended_ns - task.started_ns
            for run in group
            for name in (FIRST, AGAIN, OPTIMIZER)
            for task in run.measured.batches[name].evaluated
        ]
        spans = [
            operation
            for run in group
            for operation in evidence.results_of(run.run_id).operations
            if operation.name in {f"{way}.evaluate", EVALUATE}
        ]
        total = sum(operation.total_ns for operation in spans)
        rows.append(
            Row(
                [
                    WAY_NAMES[way],
                    str(workers),
                    count(len(durations)),
                    count(sum(operation.calls for operation in spans)),
                    duration(sum(durations)),
                    duration(total),
                    f"{total / sum(durations):.4f}",
                ]
            )
        )
    titles = ["workers", "backtests", "spans", "by a clock", "by rbtrace", "÷"]
    note = (
        "The monotonic clock around each backtest, read in the worker, and the spans of the same. "
        "A span encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table("Check: a clock in the workers", columns("way", titles), rows, note)


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
    rows = []
    for (way, workers), group in with_workers(groups).items():
        figures = [
            median_of(group, lambda run: run.measured.made_ns),
            median_of(group, lambda run: run.startup_ns),
            batch_time(group, FIRST),
            batch_time(group, AGAIN),
            batch_time(group, OPTIMIZER),
            median_of(group, lambda run: run.measured.closing_ns),
            median_of(group, lambda run: run.started_for_it_ns),
        ]
        cells = [WAY_NAMES[way], str(workers), str(len(group))]
        rows.append(Row([*cells, *map(duration, figures)]))
    titles = ["workers", "runs", "making", "until all work", "backtests, first time"]
    titles += ["the same again", "by rustybt's optimizer", "closing", "started for one batch"]
    note = (
        "Making: multiprocessing.Pool(), ray.init() with its dashboard. Until all work: that, and "
        "until every worker has done a task. First time: a worker of Ray imports the engine, one "
        "of the pool is forked with it. Again: by the same workers. rustybt's ParallelOptimizer "
        "makes a pool of its own, and uses the Ray that is there. Started for one batch: start-up, "
        "first time and closing, as a script pays it that does one search."
    )
    return Table("The same backtests", columns("way", titles), rows, note)


def _gained(groups: Groups) -> Table:
    rows = []
    for point in with_workers(groups):
        way, workers = point
        cells = [WAY_NAMES[way], str(workers)]
        for gain in (STARTED, KEPT):
            gained = gain.speed_up(groups, point)
            cells += [ratio(gained.ratio), ratio_interval(gained), percent(gained.ratio / workers)]
        rows.append(Row(cells))
    titles = ["workers", "started for one batch: speed-up", "95 %", "efficiency"]
    titles += ["kept: speed-up", "its 95 %", "its efficiency"]
    note = (
        "Against the same backtests one after the other in one process. Kept: the second batch of "
        "the same workers, against that process without what its first backtest takes longer than "
        "the others."
    )
    return Table("Speed-up", columns("way", titles), rows, note)
