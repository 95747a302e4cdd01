"""Hyperband over configurations that Optuna's TPE proposes, at ascending levels of fidelity.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import MissingExtraError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

_REPEATS: Final = 20
"""Proposals of TPE that may be repeats before a configuration is drawn at random: in a small
discrete space TPE returns to what it likes, and a backtest that is repeated says nothing new."""

type Parameters = dict[str, Any]


@dataclass(slots=True)
class Candidate:
    """A configuration on its way up.

    Attributes:
        parameters: the configuration, as Optuna has it.
        bracket: which bracket it is in; its first level has the same number.
        level: the level at which it is to be evaluated next.
    """

    parameters: Parameters
    bracket: int
    level: int
    trial: Trial


class Hyperband:
    """Proposes configurations, and says which go on to the next level.

    Args:
        distributions: the space, in Optuna's terms.
        levels: how many levels there are.
        reduction: at each level one in so many goes on.
        seed: of everything random.

    Raises:
        MissingExtraError: Optuna is not installed.
    """

    def __init__(
        self, distributions: Mapping[str, BaseDistribution], levels: int, reduction: int, seed: int
    ) -> None:
        self._distributions = dict(distributions)
        self._levels = levels
        self._reduction = reduction
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
        self._turns = _turns(levels, reduction)
        self._started: set[tuple[Any, ...]] = set()

    @property
    def started(self) -> int:
        """How many configurations were proposed, all different."""
        return len(self._started)

    def start(self) -> Candidate:
        """A configuration that was not proposed before; there has to be one."""
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
        self._started.add(_key(trial))
        return Candidate(trial.params, bracket, bracket, trial)

    def score(self, candidate: Candidate, score: float) -> bool:
        """Take a score (higher is better, not finite for a failure); whether it goes on.

        If it does, its `level` is the next one.
        """
        trial = candidate.trial
        trial.report(score, self._reduction**candidate.level)
        last = candidate.level == self._levels - 1
        if math.isfinite(score) and not last and not trial.should_prune():
            candidate.level += 1
            return True
        self._end(candidate, score if last and math.isfinite(score) else None)
        return False

    def _end(self, candidate: Candidate, value: float | None) -> None:
        """The candidate is done, or stopped if it has no value; every bracket learns of it."""
        from optuna.trial import TrialState, create_trial  # noqa: PLC0415 - heavy

        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        study = self._studies[candidate.bracket]
        ended = study.tell(candidate.trial, value, state)
        for other in self._studies:
            if other is not study:
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
        return _key(trial) not in self._started

    def _unseen(self) -> Parameters:
        while True:
            trial = self._at_random.ask(self._distributions)
            _forget(self._at_random, trial)
            if self._is_new(trial):
                return dict(trial.params)


def _turns(levels: int, reduction: int) -> Iterator[int]:
    """The bracket of each new configuration, in Hyperband's proportions, without end."""
    while True:
        for bracket in range(levels):
            halvings = levels - 1 - bracket
            for _ in range(math.ceil(levels * reduction**halvings / (halvings + 1))):
                yield bracket


def _key(trial: Trial) -> tuple[Any, ...]:
    return tuple(value for _, value in sorted(trial.params.items()))


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
