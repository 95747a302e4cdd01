"""A search that spends little on most configurations: Hyperband and TPE, as in BOHB.

    space = ParameterSpace(parameters=[
        DiscreteParameter(name="fast", min_value=4, max_value=32, step=4),
        DiscreteParameter(name="slow", min_value=40, max_value=180, step=20),
        CategoricalParameter(name="sessions", choices=[70, 210, 630, 1890]),
    ])
    search = MultiFidelitySearch(space, fidelity="sessions", budget=40 * 1890, seed=1)
    Optimizer(space, search, ObjectiveFunction("sharpe_ratio"), backtest, 10_000).optimize()
    search.get_best_params()

`backtest` runs over as many sessions as `params["sessions"]` says.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import rbtrace
from rbtrace.conventions import Category
from rbtrace.errors import MissingExtraError, SearchError
from rbtrace.optimization.hyperband import Hyperband
from rbtrace.optimization.spaces import (
    Axis,
    Candidate,
    Scheduler,
    fidelity_levels,
    key_of,
    search_axes,
)

try:
    from rustybt.optimization.base import SearchAlgorithm
except ModuleNotFoundError as problem:
    raise MissingExtraError("rustybt", "a search algorithm of rustybt") from problem

if TYPE_CHECKING:
    from rustybt.optimization.parameter_space import ParameterSpace

_AGAIN: Final[list[object]] = []
"""Noted among the events where suggestions that were never scored are made again."""


class MultiFidelitySearch(SearchAlgorithm):
    """Hyperband over configurations that TPE proposes; the fidelity is one of the parameters.

    Of the configurations that were scored at one level of fidelity, one in `reduction` goes on to
    the next; the others are stopped. No configuration is started twice.

    Scores of different levels do not compare: `get_best_params` and `get_best_result` of this
    class say what is best at the highest. rustybt's optimizers say what is best at any.

    Args:
        parameter_space: what to search; one parameter of it is the fidelity.
        fidelity: name of that parameter. It is a `CategoricalParameter` or `DiscreteParameter`
            with positive numbers, which are what an evaluation at that level costs.
        budget: what may be spent in all, in the unit of the fidelity. The last evaluation may
            exceed it.
        reduction: at each level one in so many goes on.
        seed: of everything random; None for another one each time.

    Raises:
        MissingExtraError: Optuna is not installed.
        SearchError: a setting is impossible; the message says which.
    """

    def __init__(
        self,
        parameter_space: ParameterSpace,
        fidelity: str,
        budget: float,
        *,
        reduction: int = 3,
        seed: int | None = None,
    ) -> None:
        super().__init__(parameter_space)
        if budget <= 0:
            raise SearchError(f"budget is {budget}: it has to be greater than 0")
        if reduction < 2:
            raise SearchError(f"reduction is {reduction}: it has to be 2 or more")
        self.fidelity = fidelity
        self.budget = budget
        self.reduction = reduction
        self.levels = fidelity_levels(parameter_space, fidelity)
        self._axes: list[Axis] = search_axes(parameter_space, fidelity)
        self._start_over(secrets.randbits(31) if seed is None else seed)
        self._is_initialized = True

    @property
    def spent(self) -> float:
        """What the evaluations that were suggested cost, in the unit of the fidelity."""
        return self._spent

    @rbtrace.traced(hot=True, category=Category.SEARCH)
    def suggest(self) -> dict[str, Any]:
        """The next configuration, and the fidelity to evaluate it with.

        Raises:
            SearchError: the search is complete.
        """
        if self.is_complete():
            raise SearchError("the search is complete: nothing is left to suggest")
        candidate = self._again.pop(0) if self._again else self._scheduler.next()
        self._events.append(None)
        self._pending[self._suggested] = candidate
        self._suggested += 1
        self._spent += self.levels[candidate.level]
        return self._parameters(candidate)

    @rbtrace.traced(hot=True, category=Category.SEARCH)
    def update(self, params: dict[str, Any], score: Decimal) -> None:
        """Take the score of a suggestion; higher is better, and not finite for a failure.

        Raises:
            SearchError: it was not suggested, or has its score already.
        """
        key = key_of(params)
        pending = self._pending.items()
        numbers = (at for at, candidate in pending if key_of(self._parameters(candidate)) == key)
        number = next(numbers, None)
        if number is None:
            raise SearchError(f"a score for what was not suggested: {params}")
        candidate = self._pending.pop(number)
        self._events.append([number, str(score)])
        self._iteration += 1
        if candidate.level == len(self.levels) - 1 and score.is_finite():
            self._results.append((dict(params), score))
        self._scheduler.score(candidate, float(score))

    def is_complete(self) -> bool:
        """Whether the budget is spent, or nothing is left that could be suggested now."""
        if self._spent >= self.budget:
            return True
        # What is evaluated at the moment may go on afterwards. A caller that evaluates several
        # at once would have to wait for it, and rustybt's does not.
        return not self._again and self._scheduler.is_exhausted

    def get_best_params(self) -> dict[str, Any]:
        """The configuration with the best score at the highest fidelity.

        Raises:
            SearchError: none was evaluated at the highest fidelity.
        """
        return self.get_best_result()[0]

    def get_best_result(self) -> tuple[dict[str, Any], Decimal]:
        """The same, with its score."""
        if not self._results:
            raise SearchError("no configuration was evaluated at the highest fidelity")
        params, score = max(self._results, key=lambda result: result[1])
        return dict(params), score

    def get_state(self) -> dict[str, Any]:
        """What brings another search with the same settings to where this one is, as JSON."""
        return {"seed": self._seed, "events": [*self._events]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Do again what the state tells; suggestions that were never scored are made again."""
        self._start_over(int(state["seed"]))
        for event in state["events"]:
            if event is None:
                self.suggest()
            elif not event:
                self._suggest_again()
            else:
                number, score = event
                params = self._parameters(self._pending[number])
                self.update(params, Decimal(str(score)))
        self._suggest_again()

    def _start_over(self, seed: int) -> None:
        self._seed = seed
        self._scheduler = self._make_scheduler(seed)
        self._again: list[Candidate] = []
        self._pending: dict[int, Candidate] = {}
        self._results: list[tuple[dict[str, Any], Decimal]] = []
        self._events: list[Any] = []
        self._suggested = 0
        self._iteration = 0
        self._spent = 0.0

    def _suggest_again(self) -> None:
        if self._pending:
            self._events.append(_AGAIN)
        for candidate in self._pending.values():
            self._spent -= self.levels[candidate.level]
            self._again.append(candidate)
        self._pending.clear()

    def _make_scheduler(self, seed: int) -> Scheduler:
        return Hyperband(self._axes, len(self.levels), self.reduction, seed, self._configurations)

    @property
    def _configurations(self) -> int:
        """How many there are; less than none if they cannot be counted."""
        return int(self.parameter_space.cardinality()) // len(self.levels)

    def _parameters(self, candidate: Candidate) -> dict[str, Any]:
        values = candidate.parameters | {self.fidelity: self.levels[candidate.level]}
        return {
            parameter.name: values[parameter.name] for parameter in self.parameter_space.parameters
        }
