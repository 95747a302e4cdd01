"""Figures of parallel coordination: by way and number of workers, by process, from spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median
from typing import NamedTuple

import msgspec

from rbtrace.analysis.parallel import Region, RegionWorker
from rbtrace.statistics import Comparison, compare_runs
from rbtrace.studies.batches import SEQUENTIAL, Batch, Point, by_point, of_way, with_workers
from rbtrace.studies.evaluations import TimedEvaluation
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.journal import Measured
from rbtrace.studies.measuring import Traffic


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
    def tasks(self) -> int:
        """How many there were."""
        return len(self.evaluated)

    @property
    def wall_ns(self) -> int:
        """From before the pool was made until after it was closed."""
        return self.ended_ns - self.began_ns

    @cached_property
    def processes(self) -> dict[int, list[TimedEvaluation]]:
        """Evaluations by process, each in order; processes in the order of their first one."""
        by_process: dict[int, list[TimedEvaluation]] = defaultdict(list)
        for evaluation in sorted(self.evaluated, key=lambda evaluation: evaluation.started_ns):
            by_process[evaluation.process].append(evaluation)
        return dict(by_process)

    @property
    def durations(self) -> list[int]:
        """Of all evaluations, in the order in which they started."""
        ordered = sorted(self.evaluated, key=lambda evaluation: evaluation.started_ns)
        return [evaluation.ended_ns - evaluation.started_ns for evaluation in ordered]

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
        first = min(evaluation.started_ns for evaluation in self.evaluated)
        return (max(self.received_ns) - first) / self.tasks

    @property
    def closing_ns(self) -> int:
        """From the end of the last evaluation until the pool was closed."""
        return self.ended_ns - max(evaluation.ended_ns for evaluation in self.evaluated)


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
            msgspec.convert(measured.results["batches"], list[TimedBatch]),
        )

    @property
    def wall_ns(self) -> int:
        """Of its first batch."""
        return self.batches[0].wall_ns


type Groups = dict[Point, list[PoolRun]]
"""Runs that are alike."""


def backtests(runs: Sequence[PoolRun]) -> Groups:
    """Traced runs of real backtests."""
    return by_point(run for run in runs if run.traced and not run.dispatch)


def dispatches(runs: Sequence[PoolRun]) -> Groups:
    """Runs of tasks that only slept."""
    return by_point(run for run in runs if run.dispatch)


def sequential_runs(groups: Groups) -> list[PoolRun]:
    """The runs without any pool."""
    return groups[SEQUENTIAL, 1]


def wall(group: Sequence[PoolRun]) -> float:
    """Median wall time, ns."""
    return median(run.wall_ns for run in group)


def speed_up(sequential: Sequence[PoolRun], group: Sequence[PoolRun]) -> Comparison:
    """How many times as fast a group is, against runs one after the other."""
    # The greater figure is the better one: the sequential time over that of the group.
    return compare_runs([run.wall_ns for run in group], [run.wall_ns for run in sequential])


def time_ratio_to_fewer(groups: Groups, way: str, workers: int) -> Comparison | None:
    """The time with so many workers over that with the next fewer ones of the same way."""
    fewer = [number for number in of_way(groups, way) if number < workers]
    if not fewer:
        return None
    before, after = groups[way, max(fewer)], groups[way, workers]
    return compare_runs([run.wall_ns for run in before], [run.wall_ns for run in after])


def fastest(groups: Groups, way: str) -> int:
    """The number of workers with which a way was fastest."""
    return min((wall(group), workers) for workers, group in of_way(groups, way).items())[1]


class TracedRun(NamedTuple):
    """A run of backtests as its spans tell it."""

    run: PoolRun
    region: Region
    workers: list[RegionWorker]


def traced_runs(evidence: Evidence, groups: Groups) -> dict[Point, list[TracedRun]]:
    """The spans of all runs with workers."""
    return {
        point: [_traced_run(evidence, run) for run in group]
        for point, group in with_workers(groups).items()
    }


def _traced_run(evidence: Evidence, run: PoolRun) -> TracedRun:
    results = evidence.results_of(run.run_id)
    region = max(results.regions, key=lambda region: region.tasks)
    own = [worker for worker in results.workers if worker.region_start_ns == region.start_ns]
    return TracedRun(run, region, own)


class ClockAgreement(NamedTuple):
    """The backtests of one way and number of workers, by two means each; sums over runs, ns.

    Attributes:
        way: of distributing them.
        workers: how many.
        clocked: between two readings of the monotonic clock in the worker.
        busy: the same by rbtrace.
        used: CPU time between two readings of getrusage in the worker.
        cpu: the same by rbtrace; None where this system does not give it.
        life: CPU time of the workers from the fork to the exit, by getrusage of the children.
    """

    way: str
    workers: int
    clocked: int
    busy: int
    used: int
    cpu: int | None
    life: int

    @property
    def busy_ratio(self) -> float:
        """Busy time by rbtrace ÷ by the clock."""
        return self.busy / self.clocked

    @property
    def cpu_ratio(self) -> float | None:
        """CPU time by rbtrace ÷ by getrusage."""
        return self.cpu / self.used if self.cpu and self.used else None


def agreements(spans: Mapping[Point, Sequence[TracedRun]]) -> list[ClockAgreement]:
    """Busy and CPU time of the workers by rbtrace, and by the clock and the kernel."""
    both = []
    for (way, workers), group in spans.items():
        batches = [run.run.batches[0] for run in group]
        cpu_times = [run.region.cpu_ns for run in group]
        both.append(
            ClockAgreement(
                way,
                workers,
                clocked=sum(sum(batch.durations) for batch in batches),
                busy=sum(run.region.busy_ns for run in group),
                used=sum(evaluation.cpu_ns for batch in batches for evaluation in batch.evaluated),
                cpu=sum(ns for ns in cpu_times if ns is not None)
                if None not in cpu_times
                else None,
                life=sum(batch.children_cpu_ns for batch in batches),
            )
        )
    return both
