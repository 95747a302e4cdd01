"""Parallel coordination in figures: by way and number of workers, by process, from spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from math import ceil, inf
from statistics import fmean, median
from typing import NamedTuple

import msgspec

from rbtrace.analysis.parallel import Region, RegionWorker
from rbtrace.statistics import Comparison, compare_runs
from rbtrace.studies.batches import Batch
from rbtrace.studies.evaluations import Evaluated
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.journal import Measured
from rbtrace.studies.measuring import Traffic
from rbtrace.studies.pools import SEQUENTIAL


class TimedBatch(Batch, kw_only=True, dict=True):
    """A batch, and what was measured around it; times in ns.

    Attributes:
        making_ns: until all workers of the pool were started.
        own_cpu_ns: of the process that has the pool.
        children_cpu_ns: of the workers in all their life, as the kernel says when they are waited
            for (`getrusage`).
        traffic: what was pickled.
    """

    making_ns: int
    own_cpu_ns: int
    children_cpu_ns: int
    traffic: Traffic

    @property
    def wall_ns(self) -> int:
        """From before the pool was made until after it was closed."""
        return self.ended_ns - self.began_ns

    @cached_property
    def processes(self) -> dict[int, list[Evaluated]]:
        """Evaluations by process, each in order; processes in the order of their first one."""
        found: dict[int, list[Evaluated]] = defaultdict(list)
        for one in sorted(self.evaluated, key=lambda one: one.started_ns):
            found[one.process].append(one)
        return dict(found)

    @property
    def durations(self) -> list[int]:
        """Of all evaluations, in the order in which they started."""
        ordered = sorted(self.evaluated, key=lambda one: one.started_ns)
        return [one.ended_ns - one.started_ns for one in ordered]

    @property
    def startup_ns(self) -> float:
        """From the beginning to a worker's first evaluation, mean over workers."""
        firsts = (tasks[0].started_ns for tasks in self.processes.values())
        return fmean(firsts) - self.began_ns

    @property
    def gap_ns(self) -> float:
        """From the end of an evaluation to the start of the worker's next one, mean."""
        gaps = [
            after.started_ns - before.ended_ns
            for tasks in self.processes.values()
            for before, after in pairwise(tasks)
        ]
        return fmean(gaps) if gaps else 0.0

    @property
    def each_ns(self) -> float:
        """From the first start to the last result, for each task: the inverse of the rate."""
        first = min(one.started_ns for one in self.evaluated)
        return (max(self.received_ns) - first) / len(self.evaluated)

    @property
    def closing_ns(self) -> int:
        """From the end of the last evaluation until the pool was closed."""
        return self.ended_ns - max(one.ended_ns for one in self.evaluated)


class PoolRun(NamedTuple):
    """One process that had a pool; `dispatch` is True where tasks only slept."""

    way: str
    workers: int
    traced: bool
    dispatch: bool
    run_id: str
    batches: list[TimedBatch]

    @classmethod
    def of(cls, measured: Measured) -> PoolRun:
        """What a case says."""
        settings = measured.settings
        return cls(
            str(settings["way"]),
            int(settings["workers"]),
            measured.traced,
            settings["do"] == "dispatch",
            measured.run_id,
            msgspec.convert(measured.found["batches"], list[TimedBatch]),
        )

    @property
    def wall_ns(self) -> int:
        """Of its first batch."""
        return self.batches[0].wall_ns


type Groups = dict[tuple[str, int], list[PoolRun]]
"""Runs that are alike, by way and number of workers."""


def grouped(runs: Sequence[PoolRun], chosen: Callable[[PoolRun], bool]) -> Groups:
    """The chosen runs by way, in the order in which ways come first, and number of workers."""
    groups: Groups = defaultdict(list)
    ways = list(dict.fromkeys(one.way for one in runs))
    for one in filter(chosen, runs):
        groups[one.way, one.workers].append(one)
    return dict(sorted(groups.items(), key=lambda item: (ways.index(item[0][0]), item[0][1])))


def backtests(runs: Sequence[PoolRun]) -> Groups:
    """Traced runs of real backtests."""
    return grouped(runs, lambda one: one.traced and not one.dispatch)


def dispatches(runs: Sequence[PoolRun]) -> Groups:
    """Runs of tasks that only slept."""
    return grouped(runs, lambda one: one.dispatch)


def one_by_one(groups: Groups) -> list[PoolRun]:
    """The runs without any pool."""
    return groups[SEQUENTIAL, 1]


def wall(group: Sequence[PoolRun]) -> float:
    """Median wall time, ns."""
    return median(one.wall_ns for one in group)


def speed_up(sequential: Sequence[PoolRun], group: Sequence[PoolRun]) -> Comparison:
    """How many times as fast a group is, against runs one after the other."""
    # The greater figure is the better one: the sequential time over that of the group.
    return compare_runs([one.wall_ns for one in group], [one.wall_ns for one in sequential])


def step(groups: Groups, way: str, workers: int) -> Comparison | None:
    """The time with so many workers over that with the next fewer ones of the same way."""
    fewer = [number for one, number in groups if one == way and number < workers]
    if not fewer:
        return None
    before = groups[way, max(fewer)]
    return compare_runs(
        [one.wall_ns for one in before], [one.wall_ns for one in groups[way, workers]]
    )


def fastest(groups: Groups, way: str) -> int:
    """The number of workers with which a way was fastest."""
    return min((wall(group), number) for (one, number), group in groups.items() if one == way)[1]


def ways(groups: Groups) -> list[str]:
    """The ways that have workers."""
    return list(dict.fromkeys(way for way, _ in groups if way != SEQUENTIAL))


class Parallel(NamedTuple):
    """A run of backtests as its spans tell it."""

    run: PoolRun
    region: Region
    workers: list[RegionWorker]


def parallel(evidence: Evidence, groups: Groups) -> dict[tuple[str, int], list[Parallel]]:
    """The spans of all runs with workers, by way and number of workers."""
    found = {}
    for (way, workers), group in groups.items():
        if way != SEQUENTIAL:
            found[way, workers] = [_parallel(evidence, one) for one in group]
    return found


def _parallel(evidence: Evidence, run: PoolRun) -> Parallel:
    results = evidence.of(run.run_id)
    region = max(results.regions, key=lambda one: one.tasks)
    own = [one for one in results.workers if one.region_start_ns == region.start_ns]
    return Parallel(run, region, own)


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


def work_of(sequential: list[PoolRun]) -> Work:
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


def asleep(group: list[PoolRun]) -> Work:
    """The work of the batch that sleeps."""
    batch = group[0].batches[1]
    return Work(len(batch.evaluated), median(batch.durations), 0.0)
