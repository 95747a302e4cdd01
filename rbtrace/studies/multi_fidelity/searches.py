"""The compared searches, and the space of parameters and fidelities they search."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rbtrace.errors import RbtraceError
from rbtrace.studies.workloads.engine import Backtest, metrics, run_backtest
from rbtrace.studies.workloads.market_data import daily_prices
from rbtrace.studies.workloads.strategies import MovingAverageCrossover

if TYPE_CHECKING:
    from rustybt.optimization.base import SearchAlgorithm
    from rustybt.optimization.parameter_space import ParameterSpace


BUNDLE: Final = "rbtrace-goog"
FIDELITY: Final = "sessions"
METRIC: Final = "sharpe_ratio"

type Configuration = dict[str, int]


@dataclass(frozen=True)
class Space:
    """A grid of configurations, and the lengths of the windows they can be tried on.

    Attributes:
        axes: the values of each parameter: sessions of the averages, basis points of the band.
        levels: numbers of sessions, ascending; the last is the whole window.
        budget: what a search may spend, in backtests of the whole window.
        parts: into how many processes the table is divided.
    """

    axes: dict[str, range]
    levels: tuple[int, ...]
    budget: int
    parts: int

    @cached_property
    def configurations(self) -> list[Configuration]:
        """All of them; elsewhere they go by their place here."""
        names = list(self.axes)
        return [dict(zip(names, values, strict=True)) for values in product(*self.axes.values())]

    @property
    def whole(self) -> int:
        """Sessions of the whole window."""
        return self.levels[-1]

    def place(self, parameters: dict[str, Any]) -> int:
        """Which configuration it is, whatever else is among the parameters."""
        return self.configurations.index({name: parameters[name] for name in self.axes})

    def searched(self, *, fidelity: bool = False, arranged: int | None = None) -> ParameterSpace:
        """The same space for rustybt.

        Args:
            fidelity: whether the length of the window is a parameter.
            arranged: seed of the order in which parameters and their values are written down,
                which decides what a grid search tries first; None for the given one.
        """
        from rustybt.optimization.parameter_space import (  # noqa: PLC0415 - heavy
            CategoricalParameter,
            DiscreteParameter,
            ParameterSpace,
        )

        if arranged is None:
            parameters = [
                DiscreteParameter(
                    name=name, min_value=values[0], max_value=values[-1], step=values.step
                )
                for name, values in self.axes.items()
            ]
        else:
            chance = random.Random(arranged)  # noqa: S311 - no secret
            names = chance.sample(list(self.axes), len(self.axes))
            parameters = []
            for name in names:
                values = list(self.axes[name])[:: chance.choice((1, -1))]
                parameters.append(CategoricalParameter(name=name, choices=values))
        if fidelity:
            parameters.append(CategoricalParameter(name=FIDELITY, choices=list(self.levels)))
        return ParameterSpace(parameters=parameters)


SPACES: Final = {
    "small": Space(
        axes={"fast": range(2, 7, 2), "slow": range(10, 21, 10), "band": range(0, 101, 100)},
        levels=(14, 42, 126),
        budget=5,
        parts=1,
    ),
    "large": Space(
        axes={"fast": range(4, 33, 4), "slow": range(40, 181, 20), "band": range(0, 101, 100)},
        levels=(210, 630, 1890),
        budget=32,
        parts=8,
    ),
}
"""By the name that cases have for them. Levels grow threefold, as Hyperband's halving does."""


class Evaluation(NamedTuple):
    """One backtest of a search or of the table; a list of figures in JSON.

    Attributes:
        configuration: its place in the space.
        level: the place of its window among the levels.
        score: the Sharpe ratio.
        bars: sessions that were simulated, by the engine's own result.
        ns: how long it took by a stopwatch; 0 where the score was looked up.
    """

    configuration: int
    level: int
    score: float
    bars: int
    ns: int


def evaluate(space: Space, configuration: int, level: int) -> Evaluation:
    """Run the backtest. Every window ends with the same session; shorter ones begin later."""
    parameters = space.configurations[configuration]
    start, end = _window(space.levels[level])
    strategy = MovingAverageCrossover(
        symbol="GOOG",
        fast=parameters["fast"],
        slow=parameters["slow"],
        band=parameters["band"] / 10_000,
    )
    started = perf_counter_ns()
    performance = run_backtest(Backtest(BUNDLE, strategy, start, end))
    spent = perf_counter_ns() - started
    return Evaluation(configuration, level, metrics(performance)[METRIC], len(performance), spent)


@cache
def _window(sessions: int) -> tuple[str, str]:
    days = daily_prices("GOOG").index[-sessions - 1 : -1]
    return days[0].date().isoformat(), days[-1].date().isoformat()


type Evaluate = Callable[[int, int], Evaluation]
"""Evaluates a configuration at a level, both by their places in the space."""

GRID: Final = "grid"
RANDOM: Final = "random"
MULTI_FIDELITY: Final = "multi-fidelity"
SEARCHES: Final = (GRID, RANDOM, MULTI_FIDELITY)


class SearchOutcome(NamedTuple):
    """All evaluations of a search, in order, and how long rustybt's call took, ns."""

    evaluations: list[Evaluation]
    optimize_ns: int


def run_search(name: str, seed: int, space: Space, evaluate: Evaluate) -> SearchOutcome:
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
    return SearchOutcome(done, spent)


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
