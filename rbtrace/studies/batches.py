"""A batch of tasks: what is kept of it, and how a log or rustybt's optimizer hands it out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct

from rbtrace.errors import RbtraceError
from rbtrace.studies.evaluations import Evaluated, Evaluation


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
    evaluated: list[Evaluated]


class Log:
    """What the process that has the pool sees of a batch of tasks."""

    def __init__(self, tasks: int, name: str = "") -> None:
        self.tasks = tasks
        self.name = name
        self.sent_ns: list[int] = []
        self.received_ns = [0] * tasks
        self.evaluated: list[Evaluated] = []
        self.failures: list[str] = []

    def send(self) -> int:
        """The next task is given to the pool."""
        self.sent_ns.append(time.monotonic_ns())
        return len(self.sent_ns) - 1

    def receive(self, evaluated: Evaluated) -> None:
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
        if sorted(one.task for one in self.evaluated) != list(range(self.tasks)):
            raise RbtraceError(f"{len(self.evaluated)} results came back of {self.tasks} tasks")


def timed_batch(tasks: int, run: Callable[[Log], None], name: str = "") -> Batch:
    """Evaluate tasks 0, 1, … by a function that logs what it sends and receives.

    Raises:
        RbtraceError: a task failed.
    """
    log = Log(tasks, name)
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


class Score(Decimal):
    """The score that rustybt wants, which brings along what else the worker said."""

    evaluated: Evaluated

    def __new__(cls, evaluated: Evaluated) -> Self:
        """A score of one evaluation."""
        made = super().__new__(cls, str(evaluated.score))
        made.evaluated = evaluated
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (Score, (self.evaluated,))


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation as an objective of rustybt."""

    evaluation: Evaluation

    def __call__(self, parameters: dict[str, int]) -> Decimal:
        """Evaluate the task that the parameters name."""
        return Score(self.evaluation(parameters["task"]))


class TaskList:
    """Tasks as a search algorithm of rustybt: each is suggested once, as a grid search does it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.n_iter = log.tasks

    def suggest(self) -> dict[str, Any]:
        """The next task."""
        return {"task": self._log.send()}

    def update(self, params: dict[str, Any], score: Decimal) -> None:
        """A result; rustybt gives minus infinity where there is none."""
        if isinstance(score, Score):
            self._log.receive(score.evaluated)
        else:
            self._log.fail(params)

    def is_complete(self) -> bool:
        """Whether all tasks are suggested."""
        return len(self._log.sent_ns) >= self._log.tasks


def rustybt_optimizer(log: Log, workers: int, kind: Any = None, **how: Any) -> Any:
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
