"""Candidate against baseline: the ratio of the geometric means of their runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from rbtrace.statistics import rank_tests
from rbtrace.statistics.diagnostics import (
    Starts,
    coefficient_of_variation,
    disagreement,
    run_findings,
)
from rbtrace.statistics.estimates import LogEstimate, log_welch, paired_log_t
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.power import minimum_detectable_effect
from rbtrace.statistics.samples import (
    Floats,
    Number,
    Runs,
    open_fraction,
    positive_runs,
    same_length,
)

LOG_WELCH: Final = "log-Welch"
PAIRED_LOG_T: Final = "paired log-t"

_LOG_LIMIT: Final = (-700.0, 700.0)
"""An interval of two wild runs may reach beyond what a float can hold."""

type Direction = Literal["faster", "slower", "no significant difference"]


@dataclass(frozen=True, slots=True)
class Arm:
    """The runs of one arm in short.

    Attributes:
        runs: how many.
        geometric_mean: of the runs, in their unit.
        median: of the runs, in their unit.
        cv: coefficient of variation, standard deviation (n − 1) ÷ mean; None with one run.
    """

    runs: int
    geometric_mean: float
    median: float
    cv: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the runs of two arms say about candidate ÷ baseline.

    Attributes:
        ratio: geometric mean of the candidate's runs ÷ that of the baseline's; below 1: faster.
        ci: both ends of the interval of the ratio; None with one run or without variance.
        p_value: two-sided, of "the ratio is 1"; None likewise.
        method: `log-Welch` or `paired log-t`.
        crosscheck_p: p of the rank test, Mann–Whitney or Wilcoxon; None likewise.
        run_cv: coefficient of variation of the runs, root mean square of both arms', a fraction.
        mde: smallest improvement that such runs find four times in five, per cent.
        warnings: what to know before believing it.
        confidence: of the interval; a p below 1 − confidence is significant.
        baseline: the baseline's runs in short.
        candidate: the candidate's runs in short.
        log_error: standard error of ln(ratio); None like the interval.
        df: degrees of freedom of that error; None likewise.
    """

    ratio: float
    ci: tuple[float, float] | None
    p_value: float | None
    method: str
    crosscheck_p: float | None
    run_cv: float | None
    mde: float | None
    warnings: tuple[Finding, ...]
    confidence: float
    baseline: Arm
    candidate: Arm
    log_error: float | None
    df: float | None

    @property
    def runs(self) -> int:
        """Runs of the smaller arm."""
        return min(self.baseline.runs, self.candidate.runs)

    @property
    def paired(self) -> bool:
        """Whether the runs were compared in pairs."""
        return self.method == PAIRED_LOG_T

    @property
    def alpha(self) -> float:
        """The p below which a difference is significant."""
        return round(1 - self.confidence, 12)

    @property
    def improvement(self) -> float:
        """1 − ratio, per cent; negative: slower."""
        return 100 * (1 - self.ratio)

    @property
    def direction(self) -> Direction:
        """What the p-value allows to be said."""
        if self.p_value is None or self.p_value >= self.alpha:
            return "no significant difference"
        return "faster" if self.ratio < 1 else "slower"


def compare_runs(
    baseline: Runs,
    candidate: Runs,
    *,
    paired: bool = False,
    confidence: Number = 0.95,
    starts: Starts | None = None,
    also: Iterable[Finding] = (),
) -> Comparison:
    """Compare the runs of two arms.

    Args:
        baseline: one figure per run (any unit, above 0), in the order in which they ran.
        candidate: the same of the candidate, in the same unit.
        paired: run i of one arm belongs to run i of the other: they ran one after the other.
        confidence: of the two-sided interval, between 0 and 1.
        starts: when each run started (whole numbers of any one clock), for both arms; shows
            whether they took turns, and whether the machine changed while they ran.
        also: warnings from elsewhere to be kept with it, as `pooling_findings` gives them.

    Returns:
        All figures with two runs and more in both arms; with one, or without variance, the ratio
        only. Warnings depend on the order of the runs, figures do not.

    Raises:
        InvalidRunsError: an arm is empty, a number is not finite or not above 0, pairs are
            not equally many, or there are not as many starts as runs.
        InvalidParameterError: the confidence is not between 0 and 1.

    Source:
        T. Kalibera, R. Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013 (the run as
        the unit, ratios with intervals); for the tests see `rbtrace.statistics.estimates`.
    """
    level = open_fraction(confidence, "confidence")
    arms = positive_runs(baseline, "baseline"), positive_runs(candidate, "candidate")
    if paired:
        same_length(*arms, "paired runs")
    logs = np.log(arms[0]), np.log(arms[1])
    estimate = paired_log_t(*logs) if paired else log_welch(*logs)
    known = bool(np.isfinite(estimate.error))
    p_value = float(estimate.p_value()) if known else None
    crosscheck = _crosscheck(logs, paired=paired) if known else None
    warnings = [*run_findings(arms, paired=paired, starts=starts), *also]
    if p_value is not None and crosscheck is not None:
        warnings += disagreement(arms, p_value, crosscheck, 1 - level, paired=paired)
    short = summarize(arms[0]), summarize(arms[1])
    return Comparison(
        ratio=float(np.exp(estimate.value)),
        ci=_interval(estimate, level) if known else None,
        p_value=p_value,
        method=PAIRED_LOG_T if paired else LOG_WELCH,
        crosscheck_p=crosscheck,
        run_cv=_overall_cv(*short),
        mde=minimum_detectable_effect(estimate, level) if known else None,
        warnings=tuple(warnings),
        confidence=level,
        baseline=short[0],
        candidate=short[1],
        log_error=float(estimate.error) if known else None,
        df=float(estimate.df) if known else None,
    )


def summarize(runs: Floats) -> Arm:
    """Number, means and spread of the runs of an arm."""
    cv = coefficient_of_variation(runs) if runs.size > 1 else None
    return Arm(runs.size, float(np.exp(np.log(runs).mean())), float(np.median(runs)), cv)


def _interval(estimate: LogEstimate, confidence: float) -> tuple[float, float]:
    low, high = estimate.interval(confidence)
    return math.exp(max(float(low), _LOG_LIMIT[0])), math.exp(min(float(high), _LOG_LIMIT[1]))


def _crosscheck(logs: tuple[Floats, Floats], *, paired: bool) -> float:
    return rank_tests.wilcoxon_p(*logs) if paired else rank_tests.mann_whitney_p(*logs)


def _overall_cv(baseline: Arm, candidate: Arm) -> float | None:
    if baseline.cv is None or candidate.cv is None:
        return None
    return math.sqrt((baseline.cv**2 + candidate.cv**2) / 2)
