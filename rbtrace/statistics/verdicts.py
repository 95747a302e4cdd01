"""Decisions about a comparison by rules fixed in advance, and tests of equivalence.

The rules depend on the ratio, its interval, its p-value and the number of runs, and on nothing
else; without an interval, with too few runs, or where runs do not belong together, the answer is
INCONCLUSIVE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from rbtrace.statistics.comparison import Comparison
from rbtrace.statistics.diagnostics import LEAST_RUNS
from rbtrace.statistics.estimates import student_tail
from rbtrace.statistics.findings import MDE_ABOVE_THRESHOLD, Finding, forbids_verdict
from rbtrace.statistics.samples import Number, percentage, probability

_ROUNDING: Final = 1e-12
"""A ratio this close to a limit is at the limit: the rest is rounding of exp and log."""


class Decision(StrEnum):
    """Is the candidate better by at least the threshold?"""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    INCONCLUSIVE = "INCONCLUSIVE"


class GateResult(StrEnum):
    """Is the candidate worse by more than is allowed?"""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about an improvement.

    Attributes:
        decision: ACCEPT, REJECT or INCONCLUSIVE.
        confirmed: the whole interval is at or beyond the threshold, not the estimate alone.
    """

    decision: Decision
    confirmed: bool


INCONCLUSIVE: Final = Verdict(Decision.INCONCLUSIVE, confirmed=False)


def decide(
    comparison: Comparison, threshold: Number = 5, *, p_value: Number | None = None
) -> Verdict:
    """Decide whether the candidate is faster by at least `threshold`.

    ACCEPT: the estimate reaches the threshold and p is significant. REJECT: the interval excludes
    the threshold. Otherwise INCONCLUSIVE: more runs could tell.

    Args:
        comparison: what the runs say.
        threshold: least improvement, per cent of the baseline's time, 0 to below 100.
        p_value: the p adjusted for several questions, where the raw one is not to be used.

    Raises:
        InvalidParameterError: the threshold or the p-value is outside its range.
    """
    limit = 1 - percentage(threshold, "threshold", below=100) / 100
    p = _p_value(comparison, p_value)
    if not can_judge(comparison):
        return INCONCLUSIVE
    assert comparison.ci is not None
    assert p is not None
    low, high = comparison.ci
    if p < comparison.alpha and at_most(comparison.ratio, limit):
        return Verdict(Decision.ACCEPT, confirmed=at_most(high, limit))
    decision = Decision.INCONCLUSIVE if at_most(low, limit) else Decision.REJECT
    return Verdict(decision, confirmed=False)


def gate(
    comparison: Comparison, max_regression: Number = 10, *, p_value: Number | None = None
) -> GateResult:
    """Decide whether the candidate is slower by more than `max_regression`.

    FAIL: the estimate is beyond it and p is significant. PASS: the interval is within it.
    Otherwise INCONCLUSIVE.

    Args:
        comparison: what the runs say.
        max_regression: largest slowdown allowed, per cent of the baseline's time, at least 0.
        p_value: the p adjusted for several questions, where the raw one is not to be used.

    Raises:
        InvalidParameterError: the limit or the p-value is outside its range.
    """
    limit = 1 + percentage(max_regression, "max_regression") / 100
    p = _p_value(comparison, p_value)
    if not can_judge(comparison):
        return GateResult.INCONCLUSIVE
    assert comparison.ci is not None
    assert p is not None
    if p < comparison.alpha and not at_most(comparison.ratio, limit):
        return GateResult.FAIL
    return GateResult.PASS if at_most(comparison.ci[1], limit) else GateResult.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The result of two one-sided tests.

    Attributes:
        equivalent: the ratio is within the margin, both tests significant.
        p_value: the larger of both one-sided p-values; None without an interval.
        margin: per cent of the baseline's time.
    """

    equivalent: bool
    p_value: float | None
    margin: float


def equivalence(comparison: Comparison, margin: Number = 5) -> Equivalence:
    """Test whether the ratio is within 1 ± margin (TOST): finding no difference does not show it.

    Args:
        comparison: what the runs say.
        margin: difference that does not matter, per cent, above 0 and below 100.

    Raises:
        InvalidParameterError: the margin is outside its range.

    Source:
        D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657–680.
    """
    width = percentage(margin, "margin", below=100)
    if comparison.log_error is None or comparison.df is None:
        return Equivalence(equivalent=False, p_value=None, margin=width)
    log_ratio = math.log(comparison.ratio)
    bounds = math.log1p(-width / 100), math.log1p(width / 100)
    distances = np.array([log_ratio - bounds[0], bounds[1] - log_ratio])
    tails = student_tail(distances / comparison.log_error, np.asarray(comparison.df))
    p = float(tails.max())
    return Equivalence(can_judge(comparison) and p < comparison.alpha, p, width)


def sensitivity_finding(comparison: Comparison, threshold: Number) -> Finding | None:
    """Warn if so few or such noisy runs would seldom find an improvement of the threshold."""
    wanted = percentage(threshold, "threshold", below=100)
    if comparison.mde is None or comparison.mde <= wanted:
        return None
    message = (
        f"such runs find an improvement of {comparison.mde:.1f} % four times in five, "
        f"one of {wanted:g} % less often: make more of them"
    )
    return Finding(MDE_ABOVE_THRESHOLD, message)


def can_judge(comparison: Comparison) -> bool:
    """Whether a verdict may be given at all."""
    return (
        comparison.ci is not None
        and comparison.runs >= LEAST_RUNS
        and not forbids_verdict(comparison.warnings)
    )


def at_most(value: float, limit: float) -> bool:
    """Whether a ratio is at or below a limit, rounding aside."""
    return value <= limit * (1 + _ROUNDING)


def _p_value(comparison: Comparison, adjusted: Number | None) -> float | None:
    return comparison.p_value if adjusted is None else probability(adjusted, "p_value")
