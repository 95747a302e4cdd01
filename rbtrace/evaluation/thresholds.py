"""Thresholds: whether results are good enough to adopt an optimization."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rbtrace.evaluation import validation
from rbtrace.evaluation.results import BenchmarkResultSet
from rbtrace.statistics import Comparison, Decision, Verdict, compare_runs, decide
from rbtrace.statistics.verdicts import INCONCLUSIVE


@dataclass(frozen=True)
class PerformanceThreshold:
    """What is asked of an optimization before it is adopted.

    Attributes:
        min_improvement_pct: least improvement, per cent of the baseline's time, above 0 and
            below 100; always a Decimal.
        confidence_level: of the intervals; above 0 and below 1.
        num_runs: least number of pairs of runs, 3 or more.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    min_improvement_pct: Decimal
    confidence_level: float = 0.95
    num_runs: int = 10

    def __post_init__(self) -> None:
        validation.positive(self, "min_improvement_pct")
        validation.at_most(self, "min_improvement_pct", 100)
        validation.decimal(self, "min_improvement_pct")
        validation.between_0_and_1(self, "confidence_level")
        validation.whole(self, "num_runs", 3)


@dataclass(frozen=True)
class ThresholdEvaluation:
    """How the results of one optimization compare with what is asked.

    Attributes:
        name: the optimization.
        threshold: what was asked.
        comparison: what the runs say.
        verdict: the decision.
        reason: the decision in words.
    """

    name: str
    threshold: PerformanceThreshold
    comparison: Comparison
    verdict: Verdict
    reason: str


def evaluate_threshold(
    results: BenchmarkResultSet, threshold: PerformanceThreshold, *, name: str | None = None
) -> ThresholdEvaluation:
    """Decide by the rules of `rbtrace.statistics.decide`, in pairs.

    Args:
        results: pairs of runs, in the order measured.
        threshold: what is asked; with fewer pairs than its `num_runs` (and always with fewer
            than five) the decision is INCONCLUSIVE.
        name: the optimization; the first result's name by default.
    """
    comparison = compare_runs(
        [float(result.baseline_time) for result in results.results],
        [float(result.optimized_time) for result in results.results],
        paired=True,
        confidence=threshold.confidence_level,
    )
    enough = len(results) >= threshold.num_runs
    verdict = decide(comparison, threshold.min_improvement_pct) if enough else INCONCLUSIVE
    return ThresholdEvaluation(
        name=name or results.results[0].name,
        threshold=threshold,
        comparison=comparison,
        verdict=verdict,
        reason=_reason(comparison, threshold, verdict, enough=enough),
    )


def _reason(
    comparison: Comparison, threshold: PerformanceThreshold, verdict: Verdict, *, enough: bool
) -> str:
    if not enough:
        return f"{comparison.runs} pairs of runs; {threshold.num_runs} are asked for"
    if comparison.ci is None or comparison.p_value is None:
        return f"no interval can be computed: {', '.join(comparison.warnings)}"
    low, high = (100 * (1 - end) for end in reversed(comparison.ci))
    verb = {
        Decision.ACCEPT: "reaches",
        Decision.REJECT: "stays below",
        Decision.INCONCLUSIVE: "may or may not reach",
    }[verdict.decision]
    return (
        f"the improvement of {comparison.improvement:.1f} % "
        f"({threshold.confidence_level:.0%} interval {low:.1f} to {high:.1f} %, "
        f"p = {comparison.p_value:.2g}) {verb} {threshold.min_improvement_pct} %"
    )
