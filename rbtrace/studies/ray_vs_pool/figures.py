"""Figures of Ray and Pool: by kind and number of workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, field

from rbtrace.statistics import Comparison, compare_runs
from rbtrace.studies.batches import SEQUENTIAL, Batch, Point
from rbtrace.studies.journal import Measured

READY: Final = "ready"
AT_ONCE: Final = "at-once"
ONE_BY_ONE: Final = "one-by-one"
ARRAYS: Final = "arrays"
FIRST: Final = "backtests-first"
AGAIN: Final = "backtests-again"
OPTIMIZER: Final = "evaluate_params_ray"
"""rustybt's optimizer; on Ray its tasks are called so."""
THREADS: Final = "threads"


class Measurements(Struct, kw_only=True):
    """What one process measured; times in ns.

    Attributes:
        batches: by name.
        made_ns: until the workers were asked for, and the cluster was there.
        closing_ns: until they were ended.
        memory: before and after the backtests, by whose it is; bytes.
        message: bytes of a task and of its result, and time to pickle each, ns.
        array_bytes: of the argument of each task of that batch.
        stored_bytes: what Ray says its object store held of these arguments.
        threads: of BLAS and OpenMP in the workers, the different numbers.
        finished: tasks that have finished, by batch, as Ray's state API says.
        elsewhere: whether the workers were those of a cluster that was there before.
    """

    batches: dict[str, Batch]
    made_ns: int = 0
    closing_ns: int = 0
    memory: dict[str, dict[str, int]] = field(default_factory=dict)
    message: dict[str, int] | None = None
    array_bytes: int = 0
    stored_bytes: int | None = None
    threads: list[int] = field(default_factory=list)
    finished: dict[str, int] | None = None
    elsewhere: bool = False


class BatchesRun(NamedTuple):
    """One process, and what it measured."""

    way: str
    workers: int
    run_id: str
    measured: Measurements

    @classmethod
    def of(cls, measured: Measured) -> BatchesRun:
        """What a case says."""
        return cls(
            str(measured.settings["way"]),
            int(measured.settings["workers"]),
            measured.run_id,
            msgspec.convert(measured.results, Measurements),
        )

    def wall_ns(self, batch: str) -> int:
        """How long a batch took."""
        return wall_ns(self.measured.batches[batch])

    def each_ns(self, batch: str) -> float:
        """How long a batch took for each of its tasks."""
        return self.wall_ns(batch) / len(self.measured.batches[batch].evaluated)

    @property
    def warm_ns(self) -> float:
        """The first batch, if its first task took as long as the others do on the average.

        For one process, which does one task after the other.
        """
        first, *others = sorted(self.measured.batches[FIRST].evaluated)
        return (others[-1].ended_ns - first.ended_ns) * (1 + 1 / len(others))

    @property
    def startup_ns(self) -> int:
        """Until every worker has done something; the tasks that show it only sleep."""
        ready = self.measured.batches[READY]
        slept = max(task.ended_ns - task.started_ns for task in ready.evaluated)
        return self.measured.made_ns + wall_ns(ready) - slept

    @property
    def started_for_it_ns(self) -> int:
        """The backtests with workers that are started for them and ended afterwards."""
        return self.startup_ns + self.wall_ns(FIRST) + self.measured.closing_ns


def wall_ns(batch: Batch) -> int:
    """How long a batch took."""
    return batch.ended_ns - batch.began_ns


type Figure = Callable[[BatchesRun], float]
"""Something of a run, in ns or bytes."""

type Groups = dict[Point, list[BatchesRun]]
"""Runs that are alike."""


def median_of(group: Sequence[BatchesRun], figure: Figure) -> float:
    """Median of a figure over runs."""
    return median(figure(run) for run in group)


def batch_time(group: Sequence[BatchesRun], batch: str) -> float:
    """How long a batch took, median."""
    return median_of(group, lambda run: run.wall_ns(batch))


def time_per_task(group: Sequence[BatchesRun], batch: str) -> float:
    """How long a batch took for each of its tasks, median."""
    return median_of(group, lambda run: run.each_ns(batch))


def median_memory(group: Sequence[BatchesRun], when: str, what: str) -> float:
    """Memory before or after the backtests, median."""
    return median_of(group, lambda run: run.measured.memory[when][what])


class Gain(NamedTuple):
    """A comparison with one process: what workers take, and what it takes for the same.

    Attributes:
        label: in words.
        workers: their time, ns.
        alone: that of the process, ns.
    """

    label: str
    workers: Figure
    alone: Figure

    def speed_up(self, groups: Groups, point: Point) -> Comparison:
        """How many times as fast as one process."""
        sequential = [self.alone(run) for run in groups[SEQUENTIAL, 1]]
        return compare_runs([self.workers(run) for run in groups[point]], sequential)


STARTED: Final = Gain(
    "started for one batch", lambda run: run.started_for_it_ns, lambda run: run.wall_ns(FIRST)
)
KEPT: Final = Gain("kept", lambda run: run.wall_ns(AGAIN), lambda run: run.warm_ns)
