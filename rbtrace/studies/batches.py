"""Batches of tasks: the ways in which they are evaluated, and what is kept of each.

Each is timed by a clock that is not rbtrace.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol, Self

from msgspec import Struct

import rbtrace
from rbtrace.conventions import WORKERS, Category
from rbtrace.errors import RbtraceError
from rbtrace.studies.evaluations import Evaluation, TimedEvaluation, TracedEvaluation

SEQUENTIAL: Final = "sequential"
POOL: Final = "pool"
PERSISTENT: Final = "rustybt"
SHORT_LIVED: Final = "rustybt-short-lived"
RAY: Final = "ray"

WAY_NAMES: Final = {
    SEQUENTIAL: "one after the other",
    POOL: "multiprocessing.Pool",
    PERSISTENT: "ParallelOptimizer, persistent pool",
    SHORT_LIVED: "ParallelOptimizer, multiprocessing.Pool",
    RAY: "Ray",
}

type Point = tuple[str, int]
"""A way of evaluating batches, and a number of workers."""


class PointRun(Protocol):
    """What was measured at one point, in one process."""

    @property
    def way(self) -> str:
        """How its batches were evaluated."""

    @property
    def workers(self) -> int:
        """By how many workers."""


def by_point[R: PointRun](runs: Iterable[R]) -> dict[Point, list[R]]:
    """Runs that are alike; ways in the order in which they come first, then by workers."""
    groups: dict[Point, list[R]] = defaultdict(list)
    for run in runs:
        groups[run.way, run.workers].append(run)
    ways = list(dict.fromkeys(way for way, _ in groups))
    return dict(sorted(groups.items(), key=lambda item: (ways.index(item[0][0]), item[0][1])))


def with_workers[T](points: Mapping[Point, T]) -> dict[Point, T]:
    """Those that have workers."""
    return {point: value for point, value in points.items() if point[0] != SEQUENTIAL}


def ways_of(points: Iterable[Point]) -> list[str]:
    """The different ways, in order."""
    return list(dict.fromkeys(way for way, _ in points))


def of_way[T](points: Mapping[Point, T], way: str) -> dict[int, T]:
    """What belongs to a way, by number of workers."""
    return {workers: value for (name, workers), value in points.items() if name == way}


class Batch(Struct, kw_only=True):
    """A batch of tasks that was evaluated; times of the monotonic clock, ns, by task.

    Attributes:
        began_ns: before the pool was made.
        ended_ns: after it was closed.
        sent_ns: when a task was given to the pool.
        received_ns: when its result was taken from the pool.
        evaluated: what the workers said.
    """

    began_ns: int
    ended_ns: int
    sent_ns: list[int]
    received_ns: list[int]
    evaluated: list[TimedEvaluation]


class BatchLog:
    """What the process that has the pool sees of a batch of tasks."""

    def __init__(self, tasks: int, name: str = "") -> None:
        self.tasks = tasks
        self.name = name
        self.sent_ns: list[int] = []
        self.received_ns = [0] * tasks
        self.evaluated: list[TimedEvaluation] = []
        self.failures: list[str] = []

    def send(self) -> int:
        """The next task is given to the pool."""
        self.sent_ns.append(time.monotonic_ns())
        return len(self.sent_ns) - 1

    def receive(self, evaluated: TimedEvaluation) -> None:
        """A result has come back."""
        self.received_ns[evaluated.task] = time.monotonic_ns()
        self.evaluated.append(evaluated)

    def fail(self, problem: object) -> None:
        """A task failed."""
        self.failures.append(repr(problem))

    def check(self) -> None:
        """Refuse a batch that is not whole."""
        if self.failures:
            raise RbtraceError(f"{len(self.failures)} tasks failed: {self.failures[0]}")
        if sorted(evaluation.task for evaluation in self.evaluated) != list(range(self.tasks)):
            raise RbtraceError(f"{len(self.evaluated)} results came back of {self.tasks} tasks")


def timed_batch(tasks: int, run: Callable[[BatchLog], None], name: str = "") -> Batch:
    """Evaluate tasks 0, 1, … by a function that logs what it sends and receives.

    Raises:
        RbtraceError: a task failed.
    """
    log = BatchLog(tasks, name)
    began = time.monotonic_ns()
    run(log)
    ended = time.monotonic_ns()
    log.check()
    return Batch(
        began_ns=began,
        ended_ns=ended,
        sent_ns=log.sent_ns,
        received_ns=log.received_ns,
        evaluated=sorted(log.evaluated),
    )


class TimedScore(Decimal):
    """The score that rustybt wants, which brings along what else the worker said."""

    evaluated: TimedEvaluation

    def __new__(cls, evaluated: TimedEvaluation) -> Self:
        """A score of one evaluation."""
        made = super().__new__(cls, str(evaluated.score))
        made.evaluated = evaluated
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (TimedScore, (self.evaluated,))


@dataclass(frozen=True, slots=True)
class ScoredEvaluation:
    """An evaluation as an objective of rustybt."""

    evaluation: Evaluation

    def __call__(self, parameters: dict[str, int]) -> Decimal:
        """Evaluate the task that the parameters name."""
        return TimedScore(self.evaluation(parameters["task"]))


class TaskList:
    """Tasks as a search algorithm of rustybt: each is suggested once, as a grid search does it."""

    def __init__(self, log: BatchLog) -> None:
        self._log = log
        self.n_iter = log.tasks

    def suggest(self) -> dict[str, Any]:
        """The next task."""
        return {"task": self._log.send()}

    def update(self, params: dict[str, Any], score: Decimal) -> None:
        """A result; rustybt gives minus infinity where there is none."""
        if isinstance(score, TimedScore):
            self._log.receive(score.evaluated)
        else:
            self._log.fail(params)

    def is_complete(self) -> bool:
        """Whether all tasks are suggested."""
        return len(self._log.sent_ns) >= self._log.tasks


def rustybt_optimizer(log: BatchLog, workers: int, kind: Any = None, **how: Any) -> Any:
    """An optimizer of rustybt whose tasks are those of a log.

    Args:
        log: of the tasks.
        workers: may be more than there are cores.
        kind: another class than rustybt's own.
        **how: further arguments of `ParallelOptimizer`.
    """
    from rustybt.optimization.parallel_optimizer import ParallelOptimizer  # noqa: PLC0415 - heavy

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs=")  # more than cores: that is meant
        return (kind or ParallelOptimizer)(TaskList(log), n_jobs=workers, verbose=False, **how)


def run_batch(way: str, workers: int, evaluation: Evaluation, tasks: int) -> Batch:
    """Evaluate tasks 0, 1, … in one way.

    Raises:
        RbtraceError: a task failed.
    """
    return timed_batch(tasks, lambda log: _RUNS[way](workers, evaluation, log))


def _sequential(_workers: int, evaluation: Evaluation, log: BatchLog) -> None:
    for _ in range(log.tasks):
        log.receive(evaluation(log.send()))


def _pool(workers: int, evaluation: Evaluation, log: BatchLog) -> None:
    spanned = TracedEvaluation(evaluation)
    with (
        rbtrace.span("Pool.run", category=Category.COORDINATION, **{WORKERS: workers}),
        multiprocessing.Pool(workers) as pool,
    ):
        hand_out(pool, spanned, log)
        pool.close()
        pool.join()


def hand_out(
    pool: Any, evaluate: Callable[..., TimedEvaluation], log: BatchLog, *others: Any
) -> list[Any]:
    """Give all tasks to a pool, one by one; return what to wait for.

    Args:
        pool: of multiprocessing.
        evaluate: what a worker does with a task.
        log: of the tasks.
        *others: further arguments of every task.
    """
    return [
        pool.apply_async(
            evaluate, (log.send(), *others), callback=log.receive, error_callback=log.fail
        )
        for _ in range(log.tasks)
    ]


def _rustybt(*, persistent: bool) -> Callable[[int, Evaluation, BatchLog], None]:
    def run(workers: int, evaluation: Evaluation, log: BatchLog) -> None:
        optimizer = rustybt_optimizer(log, workers, use_persistent_pool=persistent)
        optimizer.run(ScoredEvaluation(evaluation))

    return run


_RUNS: Final[dict[str, Callable[[int, Evaluation, BatchLog], None]]] = {
    SEQUENTIAL: _sequential,
    POOL: _pool,
    PERSISTENT: _rustybt(persistent=True),
    SHORT_LIVED: _rustybt(persistent=False),
}
