"""What in a set of runs should make a reader careful."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from rbtrace.statistics import findings, modes, order, ranks
from rbtrace.statistics.errors import InvalidRunsError
from rbtrace.statistics.estimates import has_spread
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.samples import Floats

LEAST_RUNS: Final = 5
"""With fewer runs in an arm there is no verdict."""
ENOUGH_RUNS: Final = 10
LARGE_CV: Final = 0.10

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
    found = _few(arms)
    if starts is not None:
        began = _ranks(arms, starts)
        found += order.turns(*began, paired=paired)
        sequence = np.argsort(np.minimum(*began)) if paired else None
        arms = (
            arms[0][np.argsort(began[0]) if sequence is None else sequence],
            arms[1][np.argsort(began[1]) if sequence is None else sequence],
        )
    logs = np.log(arms[0]), np.log(arms[1])
    found += _without_variance(logs, paired=paired)
    found += _spread_out(arms)
    for name, arm in zip(_ARM_NAMES, logs, strict=True):
        found += _bimodal(arm, name)
        if not paired:
            found += order.trend(arm, name)
    if paired:
        found += order.trend(logs[1] - logs[0], "ratios of the pairs")
    return tuple(found)


def disagreement(
    arms: Arms, p_value: float, by_ranks: float, alpha: float, *, paired: bool
) -> tuple[Finding, ...]:
    """Warn if Student's t and the rank test come to different conclusions."""
    if ranks.least_possible_p(arms[0].size, arms[1].size, paired=paired) >= alpha:
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
    limit = modes.limit(logs.size)
    if limit == float("inf") or (distance := modes.ashman_d(logs)) <= limit:
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
