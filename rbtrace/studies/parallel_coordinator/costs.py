"""Costs of distributing tasks, and a model that predicts times for more cores from them."""

from __future__ import annotations

from math import ceil, inf
from statistics import fmean, median
from typing import Final, NamedTuple

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import duration, percent, ratio, size
from rbtrace.studies.batches import WAY_NAMES, Point
from rbtrace.studies.parallel_coordinator.figures import Groups, PoolRun, wall

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
    rows = []
    for (way, workers), group in groups.items():
        at_once = [run.batches[0] for run in group]
        slept = [run.batches[1] for run in group]
        tasks = len(at_once[0].evaluated)
        rows.append(
            Row(
                [
                    WAY_NAMES[way],
                    str(workers),
                    duration(median(batch.making_ns for batch in slept)),
                    duration(median(batch.startup_ns for batch in slept)),
                    duration(median(batch.each_ns for batch in at_once)),
                    duration(median(batch.gap_ns for batch in slept)),
                    duration(median(batch.own_cpu_ns / tasks for batch in at_once)),
                    size(median(batch.traffic.sent_bytes / tasks for batch in at_once)),
                    duration(median(batch.traffic.sent_ns / tasks for batch in at_once)),
                    size(median(batch.traffic.received_bytes / tasks for batch in at_once)),
                    duration(median(batch.traffic.received_ns / tasks for batch in at_once)),
                    duration(median(batch.closing_ns for batch in slept)),
                ]
            )
        )
    titles = ["workers", "making the pool", "to a worker's first task", "handling of a task"]
    titles += ["gap between tasks", "pool's CPU per task", "sent", "pickling", "received"]
    titles += ["unpickling", "closing"]
    note = (
        "Tasks that need no core, untraced, so that more workers than cores can be measured. "
        "Handling: with tasks that are over at once, time per task from the first start to the "
        "last result; rustybt looks for results every 10 ms, with two tasks per worker under way. "
        "Pickling and bytes are per task, in the process with the pool. The others: "
        "tasks that sleep for 50 ms."
    )
    return Table("What distribution costs", columns("way", titles), rows, note)


def model_table(groups: Groups, costs: dict[Point, Costs], work: Work, cores: int) -> Table:
    """The model on this machine's cores beside what was measured, and on more."""
    rows = []
    for (way, workers), cost in costs.items():
        here, there = predict(cost, work, cores), predict(cost, work, REAL_CORES)
        group = groups.get((way, workers))
        measured = wall(group) if group else None
        gained = work.sequential_ns / there
        rows.append(
            Row(
                [
                    WAY_NAMES[way],
                    str(workers),
                    duration(measured),
                    duration(here),
                    ratio(here / measured if measured else None),
                    duration(there),
                    ratio(gained),
                    percent(gained / workers),
                ]
            )
        )
    titles = ["workers", "measured here", f"model, {cores} cores", "model ÷ measured"]
    titles += [f"model, {REAL_CORES} cores", "its speed-up", "its efficiency"]
    note = (
        "start-up + max(ceil(N/W)·(each + gap) + first, (N·each + min(W, N)·first)/C, "
        "N·handling) + closing, for N backtests, W workers and C cores. Each and first are those "
        "of backtests one after the other, all else is of the table before: no figure of this "
        "table's measured column is in the model. It knows nothing of memory bandwidth, shared "
        f"caches and clock rates: for {REAL_CORES} cores it bounds the speed-up from above."
    )
    return Table("What the costs predict for more cores", columns("way", titles), rows, note)


def asleep_table(groups: Groups, costs: dict[Point, Costs]) -> Table:
    """The model on tasks for which every machine has enough cores."""
    rows = []
    for (way, workers), group in groups.items():
        measured = median(run.batches[1].wall_ns for run in group)
        expected = predict(costs[way, workers], sleeping_work(group), UNLIMITED)
        cells = [duration(measured), duration(expected), ratio(expected / measured)]
        rows.append(Row([WAY_NAMES[way], str(workers), *cells]))
    note = (
        "Tasks that sleep need no core, so this is the model with a core for every worker. Start-up"
        ", gap and closing are taken from these batches: what is checked is how the model puts "
        "them together."
    )
    titles = ["workers", "measured", "model", "model ÷ measured"]
    return Table("Check: the model on sleeping tasks", columns("way", titles), rows, note)
