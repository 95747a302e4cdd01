"""What in a set of runs should make a reader careful."""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.statistics import findings, ranks
from rbtrace.statistics.estimates import NO_SPREAD
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.samples import Floats

LEAST_RUNS: Final = 5
"""With fewer runs in an arm there is no verdict."""
ENOUGH_RUNS: Final = 10
LARGE_CV: Final = 0.10

type Arms = tuple[Floats, Floats]
ARM_NAMES: Final = ("baseline", "candidate")


def of_comparison(
    arms: Arms,
    *,
    paired: bool,
    p_values: tuple[float | None, float | None],
    alpha: float,
) -> tuple[Finding, ...]:
    """All warnings about the runs of two arms (each in the order they ran)."""
    found = [*_few(arms), *_without_variance(arms, paired=paired), *_spread_out(arms)]
    found += _tests_disagree(arms, p_values, alpha, paired=paired)
    return tuple(found)


def _few(arms: Arms) -> list[Finding]:
    least = min(arm.size for arm in arms)
    if least < LEAST_RUNS:
        message = f"{least} runs in an arm: fewer than {LEAST_RUNS} give no verdict"
        return [Finding(findings.TOO_FEW_RUNS, message)]
    if least < ENOUGH_RUNS:
        message = f"{least} runs in an arm: {ENOUGH_RUNS} and more find smaller differences"
        return [Finding(findings.FEW_RUNS, message)]
    return []


def _without_variance(arms: Arms, *, paired: bool) -> list[Finding]:
    if paired and arms[0].size > 1 and np.ptp(np.log(arms[1] / arms[0])) <= NO_SPREAD:
        message = "all pairs have the same ratio: there is no spread to judge it by"
        return [Finding(findings.ZERO_VARIANCE, message)]
    return [
        Finding(findings.ZERO_VARIANCE, f"all runs of the {name} are equal: is the clock coarse?")
        for name, arm in zip(ARM_NAMES, arms, strict=True)
        if arm.size > 1 and np.ptp(np.log(arm)) <= NO_SPREAD
    ]


def _spread_out(arms: Arms) -> list[Finding]:
    return [
        Finding(findings.HIGH_CV, f"runs of the {name} vary by {cv:.0%}: is the machine quiet?")
        for name, arm in zip(ARM_NAMES, arms, strict=True)
        if arm.size > 1 and (cv := float(arm.std(ddof=1) / arm.mean())) >= LARGE_CV
    ]


def _tests_disagree(
    arms: Arms, p_values: tuple[float | None, float | None], alpha: float, *, paired: bool
) -> list[Finding]:
    p, by_ranks = p_values
    if p is None or by_ranks is None:
        return []
    if ranks.least_possible_p(arms[0].size, arms[1].size, paired=paired) >= alpha:
        return []  # the rank test of so few runs cannot be significant
    if (p < alpha) == (by_ranks < alpha):
        return []
    message = f"the tests disagree: p = {p:.3g} by Student's t, {by_ranks:.3g} by ranks"
    return [Finding(findings.UNSTABLE, message)]
