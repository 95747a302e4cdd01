"""Parameter searches over real backtests: a grid in one process and in several, a walk-forward.

Each function makes ready, then times rustybt's own call and nothing else, so that a trace of the
same call can be checked against the time.
"""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import RbtraceError
from rbtrace.studies.workloads.engine import goog_crossover, metrics, run_backtest

if TYPE_CHECKING:
    import polars as pl
    from rustybt.optimization.parameter_space import ParameterSpace

_METRIC: Final = "sharpe_ratio"

FAST: Final = (5, 10, 15, 20)
SLOW: Final = (30, 50, 70)


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search found, and how long rustybt took for it.

    Attributes:
        parameters: the best ones.
        score: their Sharpe ratio.
        trials: number of backtests that were scored.
        seconds: duration of rustybt's call alone.
    """

    parameters: dict[str, int]
    score: Decimal
    trials: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Objective:
    """Score of one set of parameters between two sessions; picklable.

    In a worker process it leaves Ctrl-C to the parent: a worker that dies in the middle of a task
    loses the task, and rustybt's pool waits for it without end.

    Attributes:
        start: first session, ISO date.
        end: last session, ISO date.
    """

    start: str
    end: str

    def __call__(self, parameters: dict[str, Any]) -> Decimal:
        """The Sharpe ratio, as `ParallelOptimizer` wants it."""
        if multiprocessing.parent_process() is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return Decimal(str(self.measure(parameters)["performance_metrics"][_METRIC]))

    def measure(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The performance metrics, as `Optimizer` wants them."""
        performance = run_backtest(
            goog_crossover(int(parameters["fast"]), int(parameters["slow"]), self.start, self.end)
        )
        return {"performance_metrics": metrics(performance)}


def grid_search(objective: Objective) -> SearchOutcome:
    """Every pair of averages, one after the other."""
    from rustybt.optimization.objective import ObjectiveFunction  # noqa: PLC0415 - heavy
    from rustybt.optimization.optimizer import Optimizer  # noqa: PLC0415 - heavy
    from rustybt.optimization.search.grid_search import (  # noqa: PLC0415 - heavy
        GridSearchAlgorithm,
    )

    space = _space(FAST, SLOW)
    optimizer = Optimizer(
        parameter_space=space,
        search_algorithm=GridSearchAlgorithm(space),
        objective_function=ObjectiveFunction(_METRIC),
        backtest_function=objective.measure,
        max_trials=space.cardinality(),
    )
    started = perf_counter()
    best = optimizer.optimize()
    seconds = perf_counter() - started
    history = optimizer.get_history()
    _refuse_failures(result.error for result in history)
    return SearchOutcome(best.params, best.score, len(history), seconds)


def parallel_grid_search(objective: Objective, workers: int) -> SearchOutcome:
    """The same pairs, spread over worker processes."""
    from rustybt.optimization.parallel_optimizer import ParallelOptimizer  # noqa: PLC0415 - heavy
    from rustybt.optimization.search.grid_search import (  # noqa: PLC0415 - heavy
        GridSearchAlgorithm,
    )

    algorithm = GridSearchAlgorithm(_space(FAST, SLOW))
    optimizer = ParallelOptimizer(algorithm, n_jobs=workers, verbose=False)
    started = perf_counter()
    optimizer.run(objective)
    seconds = perf_counter() - started
    statistics = optimizer.get_worker_statistics().values()
    failed = sum(worker.evaluations_failed for worker in statistics)
    if failed:
        raise RbtraceError(f"{failed} backtests failed in the workers; see the errors above")
    parameters, score = optimizer.get_best_result()
    trials = sum(worker.evaluations_completed for worker in statistics)
    return SearchOutcome(parameters, score, trials, seconds)


@dataclass(frozen=True, slots=True)
class WalkForwardOutcome:
    """What a walk-forward chose in each window, and how long rustybt took for it.

    Attributes:
        windows: the best parameters of each window, in order.
        test_scores: their Sharpe ratios on sessions the search had not seen.
        seconds: duration of rustybt's call alone.
    """

    windows: list[dict[str, int]]
    test_scores: list[Decimal]
    seconds: float


def walk_forward(sessions: list[str]) -> WalkForwardOutcome:
    """Choose the averages on one stretch of sessions, test them on the next, and move on.

    Args:
        sessions: consecutive sessions, ISO dates; two windows need two and a quarter years.
    """
    import polars as pl  # noqa: PLC0415 - heavy
    from rustybt.optimization.objective import ObjectiveFunction  # noqa: PLC0415 - heavy
    from rustybt.optimization.search.grid_search import (  # noqa: PLC0415 - heavy
        GridSearchAlgorithm,
    )
    from rustybt.optimization.walk_forward import (  # noqa: PLC0415 - heavy
        WalkForwardOptimizer,
        WindowConfig,
    )

    space = _space(FAST[1::2], SLOW[:2])
    optimizer = WalkForwardOptimizer(
        parameter_space=space,
        search_algorithm_factory=lambda: GridSearchAlgorithm(space),
        objective_function=ObjectiveFunction(_METRIC),
        backtest_function=_measure_window,
        config=WindowConfig(
            train_period=251, validation_period=126, test_period=126, step_size=126
        ),
        max_trials_per_window=space.cardinality(),
    )
    frame = pl.DataFrame({"session": sessions})
    started = perf_counter()
    outcome = optimizer.run(frame)
    seconds = perf_counter() - started
    return WalkForwardOutcome(
        windows=[window.best_params for window in outcome.window_results],
        test_scores=[window.test_metrics["score"] for window in outcome.window_results],
        seconds=seconds,
    )


def _measure_window(parameters: dict[str, Any], window: pl.DataFrame) -> dict[str, Any]:
    sessions = window["session"]
    return Objective(sessions[0], sessions[-1]).measure(parameters)


def _space(fast: tuple[int, ...], slow: tuple[int, ...]) -> ParameterSpace:
    from rustybt.optimization.parameter_space import (  # noqa: PLC0415 - heavy
        CategoricalParameter,
        ParameterSpace,
    )

    return ParameterSpace(
        parameters=[
            CategoricalParameter(name="fast", choices=list(fast)),
            CategoricalParameter(name="slow", choices=list(slow)),
        ]
    )


def _refuse_failures(errors: Any) -> None:
    """Stop at what rustybt passes over: it scores a failed backtest minus infinity."""
    messages = [error for error in errors if error]
    if messages:
        raise RbtraceError(f"{len(messages)} backtests of the grid failed: {messages[0]}")
