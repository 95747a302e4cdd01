"""Costs of distributing tasks, and a model that predicts times for more cores from them."""

from __future__ import annotations

from math import ceil, inf
from statistics import fmean, median
from typing import Final, NamedTuple

from rbtrace.reporting.model import Column, Table
from rbtrace.reporting.numbers import duration, percent, ratio, size
from rbtrace.studies.batches import Point
from rbtrace.studies.parallel_coordinator.figures import Groups, PoolRun, wall
from rbtrace.studies.shared_tables import WAY_COLUMNS, median_column

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
    return Work(batch.tasks, median(batch.durations), 0.0)


def distribution_table(groups: Groups) -> Table:
    """What tasks that need no core cost."""
    at_once = {point: [run.batches[0] for run in group] for point, group in groups.items()}
    slept = {point: [run.batches[1] for run in group] for point, group in groups.items()}
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        median_column("making the pool", slept, lambda batch: batch.making_ns),
        median_column("to a worker's first task", slept, lambda batch: batch.startup_ns),
        median_column("handling of a task", at_once, lambda batch: batch.each_ns),
        median_column("gap between tasks", slept, lambda batch: batch.gap_ns),
        median_column("pool's CPU per task", at_once, lambda batch: batch.own_cpu_ns / batch.tasks),
        median_column("sent", at_once, lambda batch: batch.traffic.sent_bytes / batch.tasks, size),
        median_column("pickling", at_once, lambda batch: batch.traffic.sent_ns / batch.tasks),
        median_column(
            "received", at_once, lambda batch: batch.traffic.received_bytes / batch.tasks, size
        ),
        median_column("unpickling", at_once, lambda batch: batch.traffic.received_ns / batch.tasks),
        median_column("closing", slept, lambda batch: batch.closing_ns),
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
    walls = {point: wall(groups[point]) for point in costs if point in groups}
    here = {point: predict(cost, work, cores) for point, cost in costs.items()}
    there = {point: predict(cost, work, REAL_CORES) for point, cost in costs.items()}
    gained = {point: work.sequential_ns / ns for point, ns in there.items()}
    to_measured = {point: here[point] / ns for point, ns in walls.items() if ns}
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("measured here", lambda point: duration(walls.get(point))),
        Column(f"model, {cores} cores", lambda point: duration(here[point])),
        Column("model ÷ measured", lambda point: ratio(to_measured.get(point))),
        Column(f"model, {REAL_CORES} cores", lambda point: duration(there[point])),
        Column("its speed-up", lambda point: ratio(gained[point])),
        Column("its efficiency", lambda point: percent(gained[point] / point[1])),
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
    walls = {
        point: median(run.batches[1].wall_ns for run in group) for point, group in groups.items()
    }
    expected = {
        point: predict(costs[point], sleeping_work(group), UNLIMITED)
        for point, group in groups.items()
    }
    columns: list[Column[Point]] = [
        *WAY_COLUMNS,
        Column("measured", lambda point: duration(walls[point])),
        Column("model", lambda point: duration(expected[point])),
        Column("model ÷ measured", lambda point: ratio(expected[point] / walls[point])),
    ]
    note = (
        "Tasks that sleep need no core, so this is the model with a core for every worker. Start-up"
        ", gap and closing are taken from these batches: what is checked is how the model puts "
        "them together."
    )
    return Table.of("Check: the model on sleeping tasks", columns, groups, note)
