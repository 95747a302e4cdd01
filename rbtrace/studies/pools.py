"""The ways in which a batch of tasks is evaluated, each timed by a clock that is not rbtrace."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any, Final

import rbtrace
from rbtrace.conventions import WORKERS, Category
from rbtrace.studies.batches import Batch, Log, Scored, rustybt_optimizer, timed_batch
from rbtrace.studies.evaluations import Evaluated, Evaluation, Spanned

SEQUENTIAL: Final = "sequential"
POOL: Final = "pool"
PERSISTENT: Final = "rustybt"
SHORT_LIVED: Final = "rustybt-short-lived"
RAY: Final = "ray"

IN_WORDS: Final = {
    SEQUENTIAL: "one after the other",
    POOL: "multiprocessing.Pool",
    PERSISTENT: "ParallelOptimizer, persistent pool",
    SHORT_LIVED: "ParallelOptimizer, multiprocessing.Pool",
    RAY: "Ray",
}


def run_batch(way: str, workers: int, evaluation: Evaluation, tasks: int) -> Batch:
    """Evaluate tasks 0, 1, … in one way.

    Raises:
        RbtraceError: a task failed.
    """
    return timed_batch(tasks, lambda log: _RUNS[way](workers, evaluation, log))


def _sequential(_workers: int, evaluation: Evaluation, log: Log) -> None:
    for _ in range(log.tasks):
        log.receive(evaluation(log.send()))


def _pool(workers: int, evaluation: Evaluation, log: Log) -> None:
    spanned = Spanned(evaluation)
    with (
        rbtrace.span("Pool.run", category=Category.COORDINATION, **{WORKERS: workers}),
        multiprocessing.Pool(workers) as pool,
    ):
        hand_out(pool, spanned, log)
        pool.close()
        pool.join()


def hand_out(pool: Any, evaluate: Callable[..., Evaluated], log: Log, *others: Any) -> list[Any]:
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


def _rustybt(*, persistent: bool) -> Callable[[int, Evaluation, Log], None]:
    def run(workers: int, evaluation: Evaluation, log: Log) -> None:
        optimizer = rustybt_optimizer(log, workers, use_persistent_pool=persistent)
        optimizer.run(Scored(evaluation))

    return run


_RUNS: Final[dict[str, Callable[[int, Evaluation, Log], None]]] = {
    SEQUENTIAL: _sequential,
    POOL: _pool,
    PERSISTENT: _rustybt(persistent=True),
    SHORT_LIVED: _rustybt(persistent=False),
}
