"""Tasks as rustybt's optimizers want them: a search algorithm, an objective and its scores."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from rbtrace.studies.batches import Log
from rbtrace.studies.evaluations import Evaluated, Evaluation


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
