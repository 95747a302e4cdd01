"""A small model of parallel coordination: what the measured costs predict for any cores.

With W workers, N tasks and C cores a batch takes

    start-up + max(rounds, shared, distribution) + closing

    rounds       = ceil(N / W) · (each + gap) + first    a worker does its tasks one after another
    shared       = (N · each + min(W, N) · first) / C    the cores share out all the work
    distribution = N · handling                          the pool hands out one task at a time

`each` and `first` (what a process's first task takes longer) are those of tasks done one after the
other; start-up, gap, handling and closing are measured with tasks that sleep and so need no core.
Memory bandwidth, shared caches and clock rates are not in it: for more cores than the machine has
it is a bound.
"""

from __future__ import annotations

from math import ceil, inf
from statistics import fmean, median
from typing import NamedTuple

from rbtrace.studies.parallel_coordinator.figures import Groups, Run

UNLIMITED = inf


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


def work_of(sequential: list[Run]) -> Work:
    """The work as it was measured one task after the other; medians over runs."""
    durations = [one.batches[0].durations for one in sequential]
    each = median(fmean(one[1:]) for one in durations)
    return Work(len(durations[0]), each, max(0.0, median(one[0] for one in durations) - each))


def costs_of(dispatched: Groups) -> dict[tuple[str, int], Costs]:
    """The costs by way and number of workers; medians over runs.

    A run has two batches: tasks that are over at once, and tasks that sleep.
    """
    return {
        (way, workers): Costs(
            workers,
            median(one.batches[1].startup_ns for one in group),
            median(one.batches[0].each_ns for one in group),
            median(one.batches[1].gap_ns for one in group),
            median(one.batches[1].closing_ns for one in group),
        )
        for (way, workers), group in dispatched.items()
    }


def asleep(group: list[Run]) -> Work:
    """The work of the batch that sleeps."""
    batch = group[0].batches[1]
    return Work(len(batch.evaluated), median(batch.durations), 0.0)
