"""Deciding about optimizations: what is asked, what was measured, and whether results agree."""

from rbtrace.evaluation.components import (
    AlternativeSolution,
    BaselineImplementation,
    OptimizationComponent,
    TimedExecution,
    rank_components,
    timed,
    timed_pairs,
)
from rbtrace.evaluation.differences import EXACT, Difference, Tolerance, difference
from rbtrace.evaluation.documents import dumps, loads
from rbtrace.evaluation.equivalence import (
    Disagreement,
    NotEquivalentError,
    assert_equivalent,
    find_disagreement,
)
from rbtrace.evaluation.report import PerformanceReport
from rbtrace.evaluation.results import BenchmarkResult, BenchmarkResultSet
from rbtrace.evaluation.sequence import (
    SequentialEvaluation,
    Step,
    StopReason,
    evaluate_sequence,
)
from rbtrace.evaluation.thresholds import (
    PerformanceThreshold,
    ThresholdEvaluation,
    evaluate_threshold,
)
from rbtrace.evaluation.validation import InvalidFieldError

__all__ = [
    "EXACT",
    "AlternativeSolution",
    "BaselineImplementation",
    "BenchmarkResult",
    "BenchmarkResultSet",
    "Difference",
    "Disagreement",
    "InvalidFieldError",
    "NotEquivalentError",
    "OptimizationComponent",
    "PerformanceReport",
    "PerformanceThreshold",
    "SequentialEvaluation",
    "Step",
    "StopReason",
    "ThresholdEvaluation",
    "TimedExecution",
    "Tolerance",
    "assert_equivalent",
    "difference",
    "dumps",
    "evaluate_sequence",
    "evaluate_threshold",
    "find_disagreement",
    "loads",
    "rank_components",
    "timed",
    "timed_pairs",
]
