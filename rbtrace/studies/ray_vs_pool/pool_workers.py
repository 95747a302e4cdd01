"""A pool of multiprocessing that stays, for several batches."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

from rbtrace.studies.batches import Log
from rbtrace.studies.evaluations import Evaluated, Evaluation
from rbtrace.studies.pools import hand_out
from rbtrace.studies.rustybt_tasks import Scored, rustybt_optimizer
from rbtrace.studies.traffic import pickled


class PoolWorkers:
    """Workers of `multiprocessing.Pool`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = multiprocessing.Pool(workers)

    def pipelined(self, evaluate: Callable[[int], Evaluated], log: Log) -> None:
        """Give out all tasks, then wait."""
        for result in hand_out(self._pool, evaluate, log):
            result.wait()

    def one_by_one(self, evaluate: Callable[[int], Evaluated], log: Log) -> None:
        """Wait for each task before the next is given out."""
        for _ in range(log.tasks):
            log.receive(self._pool.apply(evaluate, (log.send(),)))

    def with_argument(
        self, evaluate: Callable[[int, Any], Evaluated], argument: Any, log: Log
    ) -> int | None:
        """Give out all tasks, each with a large argument."""
        for result in hand_out(self._pool, evaluate, log, argument):
            result.wait()
        return None

    def search(self, evaluation: Evaluation, log: Log) -> None:
        """Let rustybt's optimizer do the tasks; it makes a pool of its own."""
        rustybt_optimizer(log, self._workers).run(Scored(evaluation))

    def message(self, evaluate: Callable[[int], Evaluated]) -> dict[str, int]:
        """Bytes of a task and of its result, and time to pickle each, ns."""
        # As the pool sends them: number of the job and of the task, function, arguments, options.
        task = pickled((0, 0, evaluate, (0,), {}), ForkingPickler.dumps)
        result = pickled((0, 0, (True, evaluate(0))), ForkingPickler.dumps)
        return {
            "task_bytes": task[0],
            "task_ns": task[1],
            "result_bytes": result[0],
            "result_ns": result[1],
            "once_bytes": 0,
        }

    def finished(self, expected: dict[str, int]) -> None:
        """A pool does not count its tasks."""

    def close(self) -> None:
        """End the workers."""
        self._pool.close()
        self._pool.join()
