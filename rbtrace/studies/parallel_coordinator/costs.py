"""Costs of distributing tasks, and a model that predicts times for more cores from them."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf
from statistics import fmean, median
from typing import Final, NamedTuple

from rbtrace.reporting.model import Column, Table
from rbtrace.reporting.numbers import duration, percent, ratio, size
from rbtrace.studies.batches import Point
from rbtrace.studies.parallel_coordinator.figures import Groups, PoolRun, TimedBatch, wall
from rbtrace.studies.shared_tables import WAY_COLUMNS

REAL_CORES: Final = 16
"""Cores that the model is asked about."""
UNLIMITED: Final = inf


class Work(NamedTuple):
    """What is to be done: number of tasks, time of each, and more for a process's first, ns."""

    tasks: int
    each_ns: float
    first_ns: float

    @property
    def sequential_ns(self) -> float:
        """By one process."""
        return self.tasks * self.each_ns + self.first_ns


class Costs(NamedTuple):
    """What a way costs with so many workers, ns: once, and for each task."""

    workers: int
    startup_ns: float
    handling_ns: float
    gap_ns: float
    closing_ns: float


def predict(costs: Costs, work: Work, cores: float) -> float:
    """How long the work takes, ns."""
    at_work = min(costs.workers, work.tasks)
    rounds = ceil(work.tasks / costs.workers) * (work.each_ns + costs.gap_ns) + work.first_ns
    shared = (work.tasks * work.each_ns + at_work * work.first_ns) / cores
    distribution = work.tasks * costs.handling_ns
    return costs.startup_ns + max(rounds, shared, distribution) + costs.closing_ns


def work_of(sequential: list[PoolRun]) -> Work:
    """The work as it was measured one task after the other; medians over runs."""
    durations = [run.batches[0].durations for run in sequential]
    each = median(fmean(of_run[1:]) for of_run in durations)
    return Work(len(durations[0]), each, max(0.0, median(of_run[0] for of_run in durations) - each))


def costs_of(dispatched: Groups) -> dict[Point, Costs]:
    """The costs by way and number of workers; medians over runs.

    A run has two batches: tasks that are over at once, and tasks that sleep.
    """
    return {
        (way, workers): Costs(
            workers,
            median(run.batches[1].startup_ns for run in group),
            median(run.batches[0].each_ns for run in group),
            median(run.batches[1].gap_ns for run in group),
            median(run.batches[1].closing_ns for run in group),
        )
        for (way, workers), group in dispatched.items()
    }


def sleeping_work(group: list[PoolRun]) -> Work:
    """The work of the batch that sleeps."""
    batch = group[0].batches[1]
    return Work(len(batch.evaluated), median(batch.durations), 0.0)


def distribution_table(groups: Groups) -> Table:
    """What tasks that need no core cost."""

    def at_once(
        title: str, value: Callable[[TimedBatch], float], show: Callable[[float], str] = duration
    ) -> Column[Point]:
        return Column(
            title, lambda point: show(median(value(run.batches[0]) for run in groups[point]))
        )

    def slept(title: str, value: Callable[[TimedBatch], float]) -> Column[Point]:
        return Column(
            title, lambda point: duration(median(value(run.batches[1]) for run in groups[point]))
        )

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        slept("making the pool", lambda batch: batch.making_ns),
        slept("to a worker's first task", lambda batch: batch.startup_ns),
        at_once("handling of a task", lambda batch: batch.each_ns),
        slept("gap between tasks", lambda batch: batch.gap_ns),
        at_once("pool's CPU per task", lambda batch: batch.own_cpu_ns / len(batch.evaluated)),
        at_once("sent", lambda batch: batch.traffic.sent_bytes / len(batch.evaluated), size),
        at_once("pickling", lambda batch: batch.traffic.sent_ns / len(batch.evaluated)),
        at_once(
            "received", lambda batch: batch.traffic.received_bytes / len(batch.evaluated), size
        ),
        at_once("unpickling", lambda batch: batch.traffic.received_ns / len(batch.evaluated)),
        slept("closing", lambda batch: batch.closing_ns),
    ]
    note = (
        "Tasks that need no core, untraced, so that more workers than cores can be measured. "
        "Handling: with tasks that are over at once, time per task from the first start to the "
        "last result; rustybt looks for results every 10 ms, with two tasks per worker under way. "
        "Pickling and bytes are per task, in the process with the pool. The others: "
        "tasks that sleep for 50 ms."
    )
    return Table.of("What distribution costs", columns, groups, note)


def model_table(groups: Groups, costs: dict[Point, Costs], work: Work, cores: int) -> Table:
    """The model on this machine's cores beside what was measured, and on more."""

    def measured(point: Point) -> float | None:
        return wall(groups[point]) if point in groups else None

    def here(point: Point) -> float:
        return predict(costs[point], work, cores)

    def here_to_measured(point: Point) -> float | None:
        wall_ns = measured(point)
        return here(point) / wall_ns if wall_ns else None

    def there(point: Point) -> float:
        return predict(costs[point], work, REAL_CORES)

    def gained(point: Point) -> float:
        return work.sequential_ns / there(point)

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("measured here", lambda point: duration(measured(point))),
        Column(f"model, {cores} cores", lambda point: duration(here(point))),
        Column("model ÷ measured", lambda point: ratio(here_to_measured(point))),
        Column(f"model, {REAL_CORES} cores", lambda point: duration(there(point))),
        Column("its speed-up", lambda point: ratio(gained(point))),
        Column("its efficiency", lambda point: percent(gained(point) / point[1])),
    ]
    note = (
        "start-up + max(ceil(N/W)·(each + gap) + first, (N·each + min(W, N)·first)/C, "
        "N·handling) + closing, for N backtests, W workers and C cores. Each and first are those "
        "of backtests one after the other, all else is of the table before: no figure of this "
        "table's measured column is in the model. It knows nothing of memory bandwidth, shared "
        f"caches and clock rates: for {REAL_CORES} cores it bounds the speed-up from above."
    )
    return Table.of("What the costs predict for more cores", columns, costs, note)


def asleep_table(groups: Groups, costs: dict[Point, Costs]) -> Table:
    """The model on tasks for which every machine has enough cores."""

    def measured(point: Point) -> float:
        return median(run.batches[1].wall_ns for run in groups[point])

    def expected(point: Point) -> float:
        return predict(costs[point], sleeping_work(groups[point]), UNLIMITED)

    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("measured", lambda point: duration(measured(point))),
        Column("model", lambda point: duration(expected(point))),
        Column("model ÷ measured", lambda point: ratio(expected(point) / measured(point))),
    ]
    note = (
        "Tasks that sleep need no core, so this is the model with a core for every worker. Start-up"
        ", gap and closing are taken from these batches: what is checked is how the model puts "
        "them together."
    )
    return Table.of("Check: the model on sleeping tasks", columns, groups, note)
