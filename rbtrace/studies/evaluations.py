"""Tasks that the studies of parallel work evaluate, timed by the worker that does them."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from threadpoolctl import threadpool_info

from rbtrace.conventions import CATEGORY, USER_SCOPE_NAME, Category
from rbtrace.recording.recorder import RECORDER
from rbtrace.studies.measuring import cpu_time_ns
from rbtrace.studies.workloads import engine
from rbtrace.studies.workloads.searches import FAST, SLOW, Objective

EVALUATE: Final = "Pool.evaluate"
"""The span of one evaluation, where rustybt's own optimizer does not make one."""

_PAIRS: Final = tuple((fast, slow) for fast in FAST for slow in SLOW)
_THIS_THREAD: Final = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


class TimedEvaluation(NamedTuple):
    """One evaluation, as its worker measured it without rbtrace.

    Attributes:
        task: its number.
        process: process id of the worker.
        started_ns: monotonic clock, the same in all processes of a machine.
        ended_ns: the same when it was over.
        cpu_ns: user and system time of the thread, by `getrusage`.
        score: what was found.
    """

    task: int
    process: int
    started_ns: int
    ended_ns: int
    cpu_ns: int
    score: float


@dataclass(frozen=True, slots=True)
class Backtests:
    """Real backtests of a moving-average crossover, of different averages.

    Attributes:
        start: first session, ISO date.
        end: last session, ISO date.
    """

    start: str
    end: str

    def __call__(self, task: int) -> float:
        """The Sharpe ratio of one."""
        fast, slow = _PAIRS[task % len(_PAIRS)]
        result = Objective(self.start, self.end).measure({"fast": fast, "slow": slow})
        return float(result["performance_metrics"]["sharpe_ratio"])


@dataclass(frozen=True, slots=True)
class Sleeps:
    """Tasks that need no core: what is left is what their distribution costs.

    Attributes:
        milliseconds: of each; with 0 it is over at once.
    """

    milliseconds: int

    def __call__(self, task: int) -> float:
        """Sleep."""
        if self.milliseconds:
            time.sleep(self.milliseconds / 1000)
        return float(task)


@dataclass(frozen=True, slots=True)
class BlasThreads:
    """Says how many threads the numerical libraries of the worker would use."""

    def __call__(self, _task: int) -> float:
        """The most of any."""
        return float(max((pool["num_threads"] for pool in threadpool_info()), default=1))


@cache
def prepare_here(data: Path) -> None:
    """Make rustybt ready in this process, once; a forked one inherits it."""
    engine.prepare(data, "rbtrace-goog")


@dataclass(frozen=True, slots=True)
class PreparedWork:
    """Work in a process that may be a fresh one, as Ray's are.

    Attributes:
        work: what is to be done.
        data: rustybt's data folder.
    """

    work: Callable[[int], float]
    data: Path

    def __call__(self, task: int) -> float:
        """Make rustybt ready, unless it is, and do the work."""
        prepare_here(self.data)
        return self.work(task)


@dataclass(frozen=True, slots=True)
class ArrayTask:
    """A task with a large argument, of which it looks at a little."""

    def __call__(self, task: int, array: Any) -> TimedEvaluation:
        """Look at it."""
        return Evaluation(lambda _: float(array[0, 0] + array[-1, -1]))(task)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Does some work and says when and where; picklable."""

    work: Callable[[int], float]

    def __call__(self, task: int) -> TimedEvaluation:
        """Evaluate one task."""
        cpu, started = cpu_time_ns(_THIS_THREAD), time.monotonic_ns()
        score = self.work(task)
        ended = time.monotonic_ns()
        return TimedEvaluation(
            task, os.getpid(), started, ended, cpu_time_ns(_THIS_THREAD) - cpu, score
        )


@dataclass(frozen=True, slots=True)
class TracedEvaluation:
    """The same as a span that has CPU time and waiting, as rustybt's own evaluations have."""

    evaluation: Evaluation
    name: str = EVALUATE

    def __call__(self, task: int) -> TimedEvaluation:
        """Evaluate one task."""
        if not RECORDER.is_on:
            return self.evaluation(task)
        from rbtrace.recording.operation import Operation  # noqa: PLC0415 - only if on
        from rbtrace.recording.spans import start_span  # noqa: PLC0415 - only if on

        named = Operation(self.name, USER_SCOPE_NAME, {CATEGORY: Category.USER}, measures_cpu=True)
        with start_span(named) as active:
            evaluated = self.evaluation(task)
        active.succeed(None)
        return evaluated
