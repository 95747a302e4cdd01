"""Ray beside multiprocessing.Pool: the same evaluations, started for them and kept for more.

A case is one fresh process that starts one kind of workers and gives them several batches.
`rbtrace.studies.ray_vs_pool.report` says what was found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final, Protocol

import msgspec
import psutil

import rbtrace
from rbtrace.conventions import WORKERS, Category
from rbtrace.studies.batches import POOL, RAY, SEQUENTIAL, Batch, BatchLog, run_batch, timed_batch
from rbtrace.studies.dead_workers import end_with_a_dead_worker
from rbtrace.studies.evaluations import (
    ArrayTask,
    Backtests,
    BlasThreads,
    Evaluation,
    PreparedWork,
    Sleeps,
    TimedEvaluation,
    TracedEvaluation,
    prepare_here,
)
from rbtrace.studies.journal import Case, Settings
from rbtrace.studies.measuring import memory_of
from rbtrace.studies.ray_vs_pool.figures import (
    AGAIN,
    ARRAYS,
    AT_ONCE,
    FIRST,
    ONE_BY_ONE,
    OPTIMIZER,
    READY,
    THREADS,
    Measurements,
)
from rbtrace.studies.ray_vs_pool.report import ray_vs_pool_report as report
from rbtrace.studies.ray_vs_pool.workers import ADDRESS, PoolWorkers, RayWorkers

__all__ = ["cases", "measure", "report"]

_START: Final = "2008-01-02"
_SHORT: Final = "2008-02-29"
_LONG: Final = "2008-06-30"
_PROCESS_S: Final = 4.0
_RAY_S: Final = 14.0
"""Starting and stopping Ray, and importing the engine in its workers."""
_BACKTEST_S: Final = 0.06, 0.2
_READY_MS: Final = 100
"""Long enough for every worker to get one, so that all have started when all are done."""
_ARRAY: Final = 251, 500
"""A year of prices of five hundred assets."""


class Workers(Protocol):
    """Workers of one kind, for several batches."""

    def pipelined(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None: ...
    def one_by_one(self, evaluate: Callable[[int], TimedEvaluation], log: BatchLog) -> None: ...
    def with_argument(
        self, evaluate: Callable[[int, Any], TimedEvaluation], argument: Any, log: BatchLog
    ) -> int | None: ...
    def search(self, evaluation: Evaluation, log: BatchLog) -> None: ...
    def message(self, evaluate: Callable[[int], TimedEvaluation]) -> dict[str, int] | None: ...
    def finished(self, expected: dict[str, int]) -> dict[str, int] | None: ...
    def close(self) -> None: ...


_KINDS: Final[dict[str, Callable[[int], Workers]]] = {POOL: PoolWorkers, RAY: RayWorkers}


def cases(*, quick: bool) -> list[Case]:
    """One after the other, and every kind and number of workers in turns."""
    if quick:
        return [_case(way, workers, 1, 6, _SHORT) for way, workers in _kinds((2,))]
    return [
        _case(way, workers, repetition, 32, _LONG)
        for repetition in range(1, 6)
        for way, workers in _kinds((1, 2, 4))
    ]


def _kinds(workers: tuple[int, ...]) -> list[tuple[str, int]]:
    return [(SEQUENTIAL, 1), *((way, number) for number in workers for way in (POOL, RAY))]


def _case(way: str, workers: int, repetition: int, tasks: int, until: str) -> Case:
    settings: Settings = {
        "way": way,
        "workers": workers,
        "tasks": tasks,
        "until": until,
        "repetition": repetition,
    }
    each = _BACKTEST_S[0 if until == _SHORT else 1]
    batches = 1 if way == SEQUENTIAL else 3
    spent = batches * tasks * each / min(workers, 2) + (_RAY_S if way == RAY else 0.0)
    return Case(settings, _PROCESS_S + spent)


def measure(settings: Settings, data: Path) -> dict[str, Any]:
    """Start workers, give them batches, end them; times in ns, memory in bytes."""
    prepare_here(data)
    from rustybt.optimization import parallel_optimizer  # noqa: F401, PLC0415 - heavy

    end_with_a_dead_worker()
    work = Evaluation(PreparedWork(Backtests(_START, str(settings["until"])), data))
    way, tasks = str(settings["way"]), int(settings["tasks"])
    if way == SEQUENTIAL:
        measurements = Measurements(batches={FIRST: run_batch(SEQUENTIAL, 1, work, tasks)})
    else:
        measurements = _measure_workers(way, int(settings["workers"]), work, tasks)
    return dict(msgspec.to_builtins(measurements))


def _measure_workers(way: str, number: int, work: Evaluation, tasks: int) -> Measurements:
    began = perf_counter_ns()
    workers = _KINDS[way](number)
    made = perf_counter_ns() - began
    measurements = Measurements(batches={}, made_ns=made)
    # Nothing is recorded so far, so that nothing is carried to the workers either.
    _distribution(workers, number, measurements)
    measurements.memory["before"] = _memory(measurements.batches.values())
    spanned = TracedEvaluation(work, f"{way}.evaluate")
    for name in (FIRST, AGAIN):
        with rbtrace.span(f"{way}.run", category=Category.COORDINATION, **{WORKERS: number}):
            measurements.batches[name] = timed_batch(
                tasks, lambda log: workers.pipelined(spanned, log), name
            )
    measurements.memory["after"] = _memory(measurements.batches.values())
    measurements.batches[OPTIMIZER] = timed_batch(
        tasks, lambda log: workers.search(work, log), OPTIMIZER
    )
    threads = timed_batch(
        2 * number, lambda log: workers.pipelined(Evaluation(BlasThreads()), log), THREADS
    )
    measurements.threads = sorted({round(evaluation.score) for evaluation in threads.evaluated})
    measurements.batches[THREADS] = threads
    handed = {name: len(batch.evaluated) for name, batch in measurements.batches.items()}
    measurements.finished = workers.finished(handed)
    measurements.elsewhere = way == RAY and ADDRESS in os.environ
    began = perf_counter_ns()
    workers.close()
    measurements.closing_ns = perf_counter_ns() - began
    return measurements


def _distribution(workers: Workers, number: int, measurements: Measurements) -> None:
    """What it costs to give tasks to workers that are there."""
    import numpy as np  # noqa: PLC0415 - beside the engine

    at_once = Evaluation(Sleeps(0))
    ready = Evaluation(Sleeps(_READY_MS))
    measurements.batches[READY] = timed_batch(
        number, lambda log: workers.pipelined(ready, log), READY
    )
    measurements.batches[AT_ONCE] = timed_batch(
        100 * number, lambda log: workers.pipelined(at_once, log), AT_ONCE
    )
    measurements.batches[ONE_BY_ONE] = timed_batch(
        100, lambda log: workers.one_by_one(at_once, log), ONE_BY_ONE
    )
    measurements.message = workers.message(at_once)
    array = np.random.default_rng(1).random(_ARRAY)
    stored: list[int | None] = []
    measurements.batches[ARRAYS] = timed_batch(
        16, lambda log: stored.append(workers.with_argument(ArrayTask(), array, log)), ARRAYS
    )
    measurements.array_bytes, measurements.stored_bytes = array.nbytes, stored[0]


def _memory(batches: Iterable[Batch]) -> dict[str, int]:
    """Memory of the workers, of what else runs for them, and of this process."""
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    working = children & {evaluation.process for batch in batches for evaluation in batch.evaluated}
    memory = {}
    for whose, processes in (
        ("workers", working),
        ("helpers", children - working),
        ("own", {os.getpid()}),
    ):
        held = memory_of(processes)
        memory[f"{whose}_processes"] = len(processes)
        memory[f"{whose}_resident"] = held.resident
        memory[f"{whose}_proportional"] = held.proportional
    return memory
