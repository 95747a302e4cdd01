"""Warnings about a set of runs: too few, too variable, bimodal, drifting, from other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from rbtrace.statistics import findings, rank_tests
from rbtrace.statistics.estimates import has_spread
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.samples import Floats, InvalidRunsError

LEAST_RUNS: Final = 5
"""With fewer runs in an arm there is no verdict."""
ENOUGH_RUNS: Final = 10
LARGE_CV: Final = 0.10

_ENOUGH_PAIRS: Final = 8
"""Random order puts one arm first in all of so many pairs once in 128 times."""
_ENOUGH_IN_ORDER: Final = 8
_ALARM: Final = 0.01
_Z_ALARM: Final = 2.326  # one-sided 1 %

_LEAST_IN_MODE: Final = 3
"""Least runs in a group: one or two slow runs are outliers, not a second mode."""
_BIMODAL_RUNS: Final = (10, 15, 20, 30)
_BIMODAL_LIMITS: Final = (6.1, 4.9, 4.5, 4.0)
"""D that one group of so many runs, normal on the log scale, exceeds about once in a hundred."""

type Environment = Mapping[str, object]
"""What is known of the place where one run ran, by any names."""
type Arms = tuple[Floats, Floats]
type Starts = tuple[Sequence[int], Sequence[int]]

_ARM_NAMES: Final = ("baseline", "candidate")


def run_findings(arms: Arms, *, paired: bool, starts: Starts | None) -> tuple[Finding, ...]:
    """All warnings about the runs of two arms.

    Args:
        arms: the runs, in the order they ran unless `starts` are given.
        paired: run i of one arm belongs to run i of the other.
        starts: when each run started, for both arms.

    Raises:
        InvalidRunsError: there are not as many starts as runs.
    """
    warnings = _few(arms)
    if starts is not None:
        began = _ranks(arms, starts)
        warnings += turn_findings(*began, paired=paired)
        sequence = np.argsort(np.minimum(*began)) if paired else None
        arms = (
            arms[0][np.argsort(began[0]) if sequence is None else sequence],
            arms[1][np.argsort(began[1]) if sequence is None else sequence],
        )
    logs = np.log(arms[0]), np.log(arms[1])
    warnings += _without_variance(logs, paired=paired)
    warnings += _spread_out(arms)
    for name, arm in zip(_ARM_NAMES, logs, strict=True):
        warnings += _bimodal(arm, name)
        if not paired:
            warnings += trend_findings(arm, name)
    if paired:
        warnings += trend_findings(logs[1] - logs[0], "ratios of the pairs")
    return tuple(warnings)


def disagreement(
    arms: Arms, p_value: float, by_ranks: float, alpha: float, *, paired: bool
) -> tuple[Finding, ...]:
    """Warn if Student's t and the rank test come to different conclusions."""
    if rank_tests.least_possible_p(arms[0].size, arms[1].size, paired=paired) >= alpha:
        return ()  # the rank test of so few runs cannot be significant
    if (p_value < alpha) == (by_ranks < alpha):
        return ()
    message = f"the tests disagree: p = {p_value:.3g} by Student's t, {by_ranks:.3g} by ranks"
    return (Finding(findings.UNSTABLE, message),)


def _few(arms: Arms) -> list[Finding]:
    least = min(arm.size for arm in arms)
    if least < LEAST_RUNS:
        message = f"{least} runs in an arm: fewer than {LEAST_RUNS} give no verdict"
        return [Finding(findings.TOO_FEW_RUNS, message)]
    if least < ENOUGH_RUNS:
        message = f"{least} runs in an arm: {ENOUGH_RUNS} and more find smaller differences"
        return [Finding(findings.FEW_RUNS, message)]
    return []


def _without_variance(logs: Arms, *, paired: bool) -> list[Finding]:
    if paired and logs[0].size > 1 and not has_spread(logs[1] - logs[0]):
        message = "all pairs have the same ratio: there is no spread to judge it by"
        return [Finding(findings.ZERO_VARIANCE, message)]
    return [
        Finding(findings.ZERO_VARIANCE, f"all runs of the {name} are equal: is the clock coarse?")
        for name, arm in zip(_ARM_NAMES, logs, strict=True)
        if arm.size > 1 and not has_spread(arm)
    ]


def _spread_out(arms: Arms) -> list[Finding]:
    return [
        Finding(findings.HIGH_CV, f"runs of the {name} vary by {cv:.0%}: is the machine quiet?")
        for name, arm in zip(_ARM_NAMES, arms, strict=True)
        if arm.size > 1 and (cv := coefficient_of_variation(arm)) >= LARGE_CV
    ]


def coefficient_of_variation(runs: Floats) -> float:
    """Standard deviation (n − 1) ÷ mean of two or more runs, a fraction."""
    scaled = runs / runs.max()
    return float(scaled.std(ddof=1) / scaled.mean())


def _bimodal(logs: Floats, name: str) -> list[Finding]:
    limit = ashman_limit(logs.size)
    if limit == float("inf") or (distance := ashman_d(logs)) <= limit:
        return []
    message = (
        f"runs of the {name} fall into two groups (Ashman's D {distance:.1f}): "
        "their mean describes neither"
    )
    return [Finding(findings.BIMODAL, message)]


def _ranks(arms: Arms, starts: Starts) -> Arms:
    """Starts as ranks, so that epoch nanoseconds never become floats."""
    for name, arm, began in zip(_ARM_NAMES, arms, starts, strict=True):
        if len(began) != arm.size:
            raise InvalidRunsError(f"{name}: {arm.size} runs but {len(began)} starts")
    both = np.array([*starts[0], *starts[1]])
    ranked = np.unique(both, return_inverse=True)[1].astype(np.float64)
    return ranked[: arms[0].size], ranked[arms[0].size :]


def turn_findings(baseline: Floats, candidate: Floats, *, paired: bool) -> list[Finding]:
    """Warn if the arms did not take turns, given when each run started."""
    if min(baseline.size, candidate.size) < 2:
        return []
    if baseline.max() < candidate.min() or candidate.max() < baseline.min():
        message = "one arm ran after the other: what changed on the machine looks like a difference"
        return [Finding(findings.SEQUENTIAL, message)]
    first = baseline < candidate if paired else np.zeros(0, np.bool_)
    if first.size >= _ENOUGH_PAIRS and (first.all() or not first.any()):
        message = "the same arm came first in every pair: order the pairs at random"
        return [Finding(findings.FIXED_ORDER, message)]
    return []


def trend_findings(logs: Floats, name: str) -> list[Finding]:
    """Warn if runs, in the order they ran, become slower or faster, or resemble their neighbours.

    Source:
        H. B. Mann, Econometrica 13 (1945) 245–259 (trend); A. Wald, J. Wolfowitz, Annals of
        Mathematical Statistics 14 (1943) 378–388 (serial correlation).
    """
    if logs.size < _ENOUGH_IN_ORDER or np.ptp(logs) == 0:
        return []
    from scipy import stats  # noqa: PLC0415 - heavy

    warnings = []
    tau, p = stats.kendalltau(np.arange(logs.size), logs)
    if p < _ALARM:
        direction = "slower" if tau > 0 else "faster"
        message = f"{name}: runs become {direction} with time (Kendall's τ {tau:.2f})"
        warnings.append(Finding(findings.DRIFT, message))
    correlation, z = _serial_correlation(logs)
    if z > _Z_ALARM:
        message = f"{name}: runs resemble the run before them (r {correlation:.2f})"
        warnings.append(Finding(findings.AUTOCORRELATION, message))
    return warnings


def _serial_correlation(values: Floats) -> tuple[float, float]:
    """Lag-one correlation, and how many standard deviations it is above that of a random order."""
    n = values.size
    centred = values - values.mean()
    correlation = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    return correlation, (correlation + 1 / n) * n * (n - 1) ** 0.5 / (n - 2)


def ashman_d(values: Floats) -> float:
    """Distance of the two groups that divide the values best, in units of their spread.

    D = √2 · |m₁ − m₂| ÷ √(s₁² + s₂²); the division is the one with the least sum of squares.
    Infinite where both groups have no spread; 0 with fewer than six values.

    Source:
        K. M. Ashman, C. M. Bird, S. E. Zepf, Astronomical Journal 108 (1994) 2348–2361.
    """
    if values.size < 2 * _LEAST_IN_MODE:
        return 0.0
    ordered = np.sort(values - values.mean())
    cut = _best_division(ordered)
    low, high = ordered[:cut], ordered[cut:]
    distance = float(high.mean() - low.mean())
    spread = float(np.sqrt(low.var(ddof=1) + high.var(ddof=1)))
    if spread == 0:
        return float("inf") if distance else 0.0
    return float(np.sqrt(2)) * distance / spread


def ashman_limit(runs: int) -> float:
    """D above which so many runs are called bimodal; infinite where they are too few to tell."""
    return (
        float(np.interp(runs, _BIMODAL_RUNS, _BIMODAL_LIMITS))
        if runs >= _BIMODAL_RUNS[0]
        else float("inf")
    )


def _best_division(ordered: Floats) -> int:
    """Where to cut so that the squares within the groups sum to least: between them, to most."""
    positions = np.arange(_LEAST_IN_MODE, ordered.size - _LEAST_IN_MODE + 1)
    sums = np.cumsum(ordered)
    left = sums[positions - 1]
    between = left**2 / positions + (sums[-1] - left) ** 2 / (ordered.size - positions)
    return int(positions[np.argmax(between)])


def pooling_findings(
    baseline: Sequence[Environment],
    candidate: Sequence[Environment],
    *,
    machine: Sequence[str] = ("host.name",),
    software: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Warn where the environments of the runs differ.

    Machines have to be one for all runs, versions one for each arm: a candidate may be a new
    version. What is missing in a run is unknown, and differs from nothing.

    Args:
        baseline: environment of each run of the baseline.
        candidate: environment of each run of the candidate.
        machine: keys that say where a run ran.
        software: keys that say by which versions.
    """
    arms = {"baseline": baseline, "candidate": candidate}
    warnings = []
    for key in machine:
        warnings += _within_arms(findings.MIXED_HOSTS, key, arms)
        warnings += _between_arms(findings.DIFFERENT_HOSTS, key, baseline, candidate)
    for key in software:
        warnings += _within_arms(findings.MIXED_VERSIONS, key, arms)
        warnings += _between_arms(findings.DIFFERENT_VERSIONS, key, baseline, candidate)
    return tuple(warnings)


def _within_arms(code: str, key: str, arms: Mapping[str, Sequence[Environment]]) -> list[Finding]:
    return [
        Finding(code, f"runs of the {name} differ in {key}: {', '.join(sorted(known))}")
        for name, runs in arms.items()
        if len(known := _known(key, runs)) > 1
    ]


def _between_arms(
    code: str, key: str, baseline: Sequence[Environment], candidate: Sequence[Environment]
) -> list[Finding]:
    before, after = _known(key, baseline), _known(key, candidate)
    if len(before) != 1 or len(after) != 1 or before == after:
        return []
    return [Finding(code, f"{key} is {before.pop()} in the baseline, {after.pop()} in the other")]


def _known(key: str, runs: Sequence[Environment]) -> set[str]:
    return {str(run[key]) for run in runs if run.get(key) is not None}
