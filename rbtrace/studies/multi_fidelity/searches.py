"""The searches that are compared, each through rustybt's own `Optimizer`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rbtrace.errors import RbtraceError
from rbtrace.studies.multi_fidelity.space import (
    FIDELITY,
    METRIC,
    Evaluation,
    Space,
)

if TYPE_CHECKING:
    from rustybt.optimization.base import SearchAlgorithm

type Evaluate = Callable[[int, int], Evaluation]
"""Evaluates a configuration at a level, both by their places in the space."""

GRID: Final = "grid"
RANDOM: Final = "random"
MULTI_FIDELITY: Final = "multi-fidelity"
SEARCHES: Final = (GRID, RANDOM, MULTI_FIDELITY)


class Searched(NamedTuple):
    """All evaluations of a search, in order, and how long rustybt's call took, ns."""

    evaluations: list[Evaluation]
    optimize_ns: int


def run_search(name: str, seed: int, space: Space, evaluate: Evaluate) -> Searched:
    """Search until the budget is spent.

    Args:
        name: one of `SEARCHES`.
        seed: of the search; for a grid, of the order in which it is written down.
        space: what to search.
        evaluate: evaluates a configuration at a level.

    Raises:
        RbtraceError: an evaluation failed.
    """
    from rustybt.optimization.objective import ObjectiveFunction  # noqa: PLC0415 - heavy
    from rustybt.optimization.optimizer import Optimizer  # noqa: PLC0415 - heavy

    done: list[Evaluation] = []

    def backtest(parameters: dict[str, Any]) -> dict[str, Any]:
        level = space.levels.index(parameters.get(FIDELITY, space.whole))
        done.append(evaluate(space.place(parameters), level))
        return {"performance_metrics": {METRIC: done[-1].score}}

    algorithm = _algorithm(name, seed, space)
    fewest = space.levels[0]
    optimizer = Optimizer(
        parameter_space=algorithm.parameter_space,
        search_algorithm=algorithm,
        objective_function=ObjectiveFunction(METRIC),
        backtest_function=backtest,
        max_trials=space.budget * (space.whole // fewest if name == MULTI_FIDELITY else 1),
    )
    started = perf_counter_ns()
    optimizer.optimize()
    spent = perf_counter_ns() - started
    # rustybt scores a failed backtest minus infinity and goes on.
    failed = [result.error for result in optimizer.get_history() if result.error]
    if failed:
        raise RbtraceError(f"{len(failed)} backtests of the {name} search failed: {failed[0]}")
    return Searched(done, spent)


def _algorithm(name: str, seed: int, space: Space) -> SearchAlgorithm:
    from rustybt.optimization.search.grid_search import (  # noqa: PLC0415 - heavy
        GridSearchAlgorithm,
    )
    from rustybt.optimization.search.random_search import (  # noqa: PLC0415 - heavy
        RandomSearchAlgorithm,
    )

    from rbtrace.optimization.multi_fidelity import MultiFidelitySearch  # noqa: PLC0415 - heavy

    if name == GRID:
        return GridSearchAlgorithm(space.searched(arranged=seed))
    if name == RANDOM:
        return RandomSearchAlgorithm(space.searched(), n_iter=space.budget, seed=seed)
    return MultiFidelitySearch(
        space.searched(fidelity=True), FIDELITY, space.budget * space.whole, seed=seed
    )
