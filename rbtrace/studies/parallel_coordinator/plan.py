"""Parallel coordination: what more workers give, and what distributing the work costs.

The backtests are real. Tasks that sleep show what the distribution alone costs, for more workers
than there are cores, too. `rbtrace.studies.parallel_coordinator.report` says what was
found.
"""

from __future__ import annotations

import multiprocessing
import resource
from pathlib import Path
from typing import Any, Final

import msgspec
import threadpoolctl

from rbtrace.studies.batches import (
    PERSISTENT,
    POOL,
    SEQUENTIAL,
    SHORT_LIVED,
    run_batch,
)
from rbtrace.studies.dead_workers import end_with_a_dead_worker
from rbtrace.studies.evaluations import Backtests, Evaluation, Sleeps
from rbtrace.studies.journal import Case, Settings
from rbtrace.studies.measuring import Stopwatch, TimedFunction, TrafficCount, cpu_time_ns
from rbtrace.studies.parallel_coordinator.figures import TimedBatch
from rbtrace.studies.parallel_coordinator.report import (
    parallel_coordinator_report as report,
)
from rbtrace.studies.workloads import engine

__all__ = ["cases", "measure", "report"]

_BUNDLE: Final = "rbtrace-goog"
_START: Final = "2008-01-02"
_SHORT: Final = "2008-03-31"
_LONG: Final = "2008-06-30"
_MAKING: Final = "making the pool"
_PROCESS_S: Final = 4.0
"""An interpreter with the engine and its optimizers imported."""
_BACKTEST_S: Final = 0.1, 0.28
"""A short backtest and a long one."""
_FIRST_S: Final = 0.7
"""What the first backtest of a worker takes longer."""
_SLEEPS: Final = 0, 50
"""Milliseconds: a task that is over at once, and one as long as a quick backtest."""


def cases(*, quick: bool) -> list[Case]:
    """Every way and number of workers in turns, so that what drifts hits all."""
    if quick:
        planned = [_backtests(SEQUENTIAL, 1, quick=quick)]
        planned += [_backtests(way, 2, quick=quick) for way in (POOL, PERSISTENT)]
        return [*planned, *(_dispatch(way, 2, 8) for way in (POOL, PERSISTENT))]
    planned = []
    for repetition in range(1, 6):
        planned.append(_backtests(SEQUENTIAL, 1, repetition))
        for workers in (1, 2, 4, 8, 16):
            for way in (POOL, PERSISTENT, SHORT_LIVED):
                planned.append(_backtests(way, workers, repetition))
                planned.append(_dispatch(way, workers, 16, repetition))
        planned.append(_backtests(SEQUENTIAL, 1, repetition, traced=False))
        planned += [_backtests(way, 2, repetition, traced=False) for way in (POOL, PERSISTENT)]
    return planned


def measure(settings: Settings, data: Path) -> dict[str, Any]:
    """Evaluate one or two batches in one way; times in ns."""
    engine.prepare(data, _BUNDLE)
    from rustybt.optimization import parallel_optimizer  # noqa: F401, PLC0415 - heavy

    end_with_a_dead_worker()
    stopwatch, traffic = Stopwatch(), TrafficCount()
    stopwatch.attach({_MAKING: TimedFunction("multiprocessing.pool:Pool", "__init__", "")})
    traffic.attach()
    batches = []
    for evaluation in _evaluations(settings):
        own, children = cpu_time_ns(resource.RUSAGE_SELF), cpu_time_ns(resource.RUSAGE_CHILDREN)
        batch = run_batch(
            str(settings["way"]), int(settings["workers"]), evaluation, int(settings["tasks"])
        )
        timed = TimedBatch(
            **msgspec.structs.asdict(batch),
            making_ns=stopwatch.take().get(_MAKING, 0),
            own_cpu_ns=cpu_time_ns(resource.RUSAGE_SELF) - own,
            children_cpu_ns=cpu_time_ns(resource.RUSAGE_CHILDREN) - children,
            traffic=traffic.take(),
        )
        batches.append(timed)
    return {
        "batches": msgspec.to_builtins(batches),
        "start_method": multiprocessing.get_start_method(),
        "threads": {
            pool["prefix"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()
        },
    }


def _evaluations(settings: Settings) -> list[Evaluation]:
    if settings["do"] == "backtests":
        return [Evaluation(Backtests(_START, str(settings["until"])))]
    return [Evaluation(Sleeps(milliseconds)) for milliseconds in _SLEEPS]


def _backtests(
    way: str, workers: int, repetition: int = 1, *, quick: bool = False, traced: bool = True
) -> Case:
    settings: Settings = {
        "do": "backtests",
        "way": way,
        "workers": workers,
        "tasks": 8 if quick else 64,
        "until": _SHORT if quick else _LONG,
        "repetition": repetition,
    }
    each = _BACKTEST_S[0 if quick else 1]
    # Two workers at a time, on a machine with as many cores or more.
    spent = (int(settings["tasks"]) * each + workers * _FIRST_S) / min(workers, 2)
    return Case(settings, _PROCESS_S + spent, traced)


def _dispatch(way: str, workers: int, each: int, repetition: int = 1) -> Case:
    settings: Settings = {
        "do": "dispatch",
        "way": way,
        "workers": workers,
        "tasks": each * workers,
        "repetition": repetition,
    }
    return Case(settings, _PROCESS_S + each * _SLEEPS[1] / 1000 + 0.5, traced=False)
