"""The BOHB search: HpBandSter's model and successive halving, without its servers.

HpBandSter wants to start evaluations by itself, through a name server and worker threads. Its
model of configurations and its halving know nothing of that, and are asked here as rustybt asks.

Source:
    S. Falkner, A. Klein and F. Hutter, BOHB, ICML (2018); https://github.com/automl/HpBandSter
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from rbtrace.errors import MissingExtraError
from rbtrace.optimization.multi_fidelity import MultiFidelitySearch
from rbtrace.optimization.spaces import Axis, Candidate, Scheduler

_LOGGER: Final = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)
"""HpBandSter warns, at length, whenever a proposal has a value its model has not seen."""


class BohbSearch(MultiFidelitySearch):
    """`MultiFidelitySearch` with HpBandSter's model and halving instead of Optuna's.

    It takes the same arguments, and is used in the same way. It differs in that it waits (of a
    bracket's configurations all are scored at one level before the best go on), and in that it
    evaluates a configuration again if its model proposes it again: not for small discrete spaces.

    Raises:
        MissingExtraError: HpBandSter is not installed.
        SearchError: a setting is impossible; the message says which.
    """

    def _make_scheduler(self, seed: int) -> Scheduler:
        return HpBandSter(self._axes, len(self.levels), self.reduction, seed)


class HpBandSter:
    """A `Scheduler`. BOHB may propose a configuration again, as often as its model says so.

    Args:
        axes: the space.
        levels: how many levels there are.
        reduction: at each level one in so many goes on.
        seed: of everything random.

    Raises:
        MissingExtraError: HpBandSter is not installed.
    """

    is_exhausted = False

    def __init__(self, axes: Sequence[Axis], levels: int, reduction: int, seed: int) -> None:
        try:
            from hpbandster.optimizers.config_generators.bohb import BOHB  # noqa: PLC0415 - heavy
        except ModuleNotFoundError as problem:
            raise MissingExtraError("bohb", "a search by HpBandSter") from problem

        self._axes = axes
        self._levels = levels
        self._reduction = reduction
        self._random = np.random.RandomState(seed).get_state()
        with self._lent_randomness():
            self._model = BOHB(_config_space(axes, seed), logger=_LOGGER)
        self._brackets: list[Any] = []
        self._opened = 0

    def next(self) -> Candidate:
        """What the first bracket wants that is not waiting for scores."""
        for bracket in self._all_brackets():
            with self._lent_randomness():
                run = bracket.get_next_run()
            if run is not None:
                _, config, budget = run
                parameters = {axis.name: axis.value(config[axis.name]) for axis in self._axes}
                level = round(math.log(budget, self._reduction))
                return Candidate(parameters, level, (bracket, run))
        raise AssertionError("a new bracket wants something")

    def score(self, candidate: Candidate, score: float) -> None:
        """Tell BOHB, for whom the lower is the better."""
        from hpbandster.core.dispatcher import Job  # noqa: PLC0415 - heavy

        bracket, (identity, config, budget) = candidate.origin
        job = Job(identity, config=config, budget=budget)
        job.result = {"loss": -score, "info": {}} if math.isfinite(score) else None
        with self._lent_randomness():
            bracket.register_result(job)
            self._model.new_result(job)

    def _all_brackets(self) -> Iterator[Any]:
        self._brackets = [bracket for bracket in self._brackets if not bracket.is_finished]
        yield from [*self._brackets]
        yield self._open_bracket()

    def _open_bracket(self) -> Any:
        """Successive halving from the level that is next in turn, with BOHB's numbers."""
        from hpbandster.optimizers.iterations import SuccessiveHalving  # noqa: PLC0415 - heavy

        halvings = self._levels - 1 - self._opened % self._levels
        first = self._levels // (halvings + 1) * self._reduction**halvings
        budgets = [float(self._reduction**level) for level in range(self._levels)]
        bracket = SuccessiveHalving(
            HPB_iter=self._opened,
            num_configs=[max(first // self._reduction**stage, 1) for stage in range(halvings + 1)],
            budgets=budgets[-halvings - 1 :],
            config_sampler=self._model.get_config,
            logger=_LOGGER,
        )
        self._opened += 1
        self._brackets.append(bracket)
        return bracket

    @contextmanager
    def _lent_randomness(self) -> Iterator[None]:
        """HpBandSter draws from numpy's global generator: lend it a state of our own.

        It divides by zero where all good configurations agree in a choice, and goes on; and it
        uses functions that its libraries deprecate.
        """
        before = np.random.get_state()  # noqa: NPY002 - what HpBandSter uses
        np.random.set_state(self._random)  # noqa: NPY002
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                yield
        finally:
            self._random = np.random.get_state()  # noqa: NPY002
            np.random.set_state(before)  # noqa: NPY002


def _config_space(axes: Sequence[Axis], seed: int) -> Any:
    import ConfigSpace as cs  # noqa: N813, PLC0415 - heavy

    space = cs.ConfigurationSpace(seed=seed)
    for axis in axes:
        values = axis.values
        if values is None:
            parameter = cs.UniformFloatHyperparameter(
                axis.name, *axis.bounds, log=axis.is_logarithmic
            )
        elif axis.is_ordered:
            parameter = cs.UniformIntegerHyperparameter(axis.name, 0, len(values) - 1)
        else:
            parameter = cs.CategoricalHyperparameter(axis.name, list(range(len(values))))
        space.add(parameter)
    return space
