"""Hyperband over configurations that Optuna's TPE proposes.

Hyperband is several brackets of successive halving, which start at different levels. Each bracket
is an Optuna study with its own `SuccessiveHalvingPruner`. What one learns is told to the others, so
that TPE proposes from all observations, as in BOHB. (Optuna's `HyperbandPruner` has a model for
each bracket, and runs every configuration from the lowest level on.)

Source:
    L. Li et al., Hyperband, JMLR 18 (2018) 185; S. Falkner, A. Klein and F. Hutter, BOHB, ICML
    (2018); L. Li et al., ASHA, MLSys (2020), for halving without waiting.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import MissingExtraError
from rbtrace.optimization.spaces import Axis, Candidate, Parameters, key_of

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

_REPEATS: Final = 20
"""Proposals of TPE that may be repeats before a configuration is drawn at random: in a small
discrete space TPE returns to what it likes, and a backtest that is repeated says nothing new."""


class Hyperband:
    """A `Scheduler`. No configuration is started twice.

    Args:
        axes: the space.
        levels: how many levels there are.
        reduction: at each level one in so many goes on.
        seed: of everything random.
        configurations: how many the space has; less than none if they cannot be counted.

    Raises:
        MissingExtraError: Optuna is not installed.
    """

    def __init__(
        self, axes: Sequence[Axis], levels: int, reduction: int, seed: int, configurations: int
    ) -> None:
        self._axes = axes
        self._levels = levels
        self._reduction = reduction
        self._configurations = configurations
        with _quiet_optuna() as optuna:
            self._studies = [
                optuna.create_study(
                    direction="maximize",
                    sampler=optuna.samplers.TPESampler(seed=seed + bracket, multivariate=True),
                    pruner=optuna.pruners.SuccessiveHalvingPruner(
                        min_resource=1, reduction_factor=reduction, min_early_stopping_rate=bracket
                    ),
                )
                for bracket in range(levels)
            ]
            self._at_random = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        self._distributions = {axis.name: _distribution(axis) for axis in axes}
        self._turns = _turns(levels, reduction)
        self._started: set[tuple[str, ...]] = set()
        self._waiting: deque[Candidate] = deque()

    @property
    def is_exhausted(self) -> bool:
        """Whether every configuration was started, and none waits for its next level."""
        return not self._waiting and len(self._started) == self._configurations

    def next(self) -> Candidate:
        """What waits for its next level, else a configuration that was not proposed before."""
        if self._waiting:
            return self._waiting.popleft()
        bracket = next(self._turns)
        study = self._studies[bracket]
        for _ in range(_REPEATS):
            trial = study.ask(self._distributions)
            if self._is_new(trial):
                break
            _forget(study, trial)
        else:
            study.enqueue_trial(self._unseen())
            trial = study.ask(self._distributions)
        self._started.add(key_of(trial.params))
        parameters = {axis.name: axis.value(trial.params[axis.name]) for axis in self._axes}
        return Candidate(parameters, bracket, (bracket, trial))

    def score(self, candidate: Candidate, score: float) -> None:
        """Stop the candidate, or let it wait for its next level."""
        bracket, trial = candidate.origin
        trial.report(score, self._reduction**candidate.level)
        last = candidate.level == self._levels - 1
        if math.isfinite(score) and not last and not trial.should_prune():
            self._waiting.append(
                Candidate(candidate.parameters, candidate.level + 1, candidate.origin)
            )
        else:
            self._end(bracket, trial, score if last and math.isfinite(score) else None)

    def _end(self, bracket: int, trial: Trial, value: float | None) -> None:
        """A trial is done, or stopped if it has no value; every bracket learns of it."""
        from optuna.trial import TrialState, create_trial  # noqa: PLC0415 - heavy

        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        ended = self._studies[bracket].tell(trial, value, state)
        for number, other in enumerate(self._studies):
            if number != bracket:
                # Without the marks of its rungs: halving compares within a bracket only.
                other.add_trial(
                    create_trial(
                        state=state,
                        value=value,
                        params=ended.params,
                        distributions=ended.distributions,
                        intermediate_values=ended.intermediate_values,
                    )
                )

    def _is_new(self, trial: Trial) -> bool:
        return key_of(trial.params) not in self._started

    def _unseen(self) -> Parameters:
        while True:
            trial = self._at_random.ask(self._distributions)
            _forget(self._at_random, trial)
            if self._is_new(trial):
                return dict(trial.params)


def _distribution(axis: Axis) -> BaseDistribution:
    from optuna import distributions  # noqa: PLC0415 - heavy

    values = axis.values
    if values is None:
        return distributions.FloatDistribution(*axis.bounds, log=axis.is_logarithmic)
    if axis.is_ordered:
        return distributions.IntDistribution(0, len(values) - 1)
    return distributions.CategoricalDistribution(range(len(values)))


def _turns(levels: int, reduction: int) -> Iterator[int]:
    """The bracket of each new configuration, in Hyperband's proportions, without end."""
    while True:
        for bracket in range(levels):
            halvings = levels - 1 - bracket
            for _ in range(math.ceil(levels * reduction**halvings / (halvings + 1))):
                yield bracket


def _forget(study: Study, trial: Trial) -> None:
    from optuna.trial import TrialState  # noqa: PLC0415 - heavy

    study.tell(trial, state=TrialState.FAIL)


@contextmanager
def _quiet_optuna() -> Iterator[Any]:
    """Optuna, which says on standard error that it made a study, without that."""
    try:
        import optuna  # noqa: PLC0415 - heavy
    except ModuleNotFoundError as problem:
        raise MissingExtraError("optuna", "a multi-fidelity search") from problem

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)
