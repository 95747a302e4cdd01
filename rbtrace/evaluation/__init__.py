"""Deciding about optimizations: what is asked, what was measured, and whether results agree."""

from rbtrace.evaluation.components import OptimizationComponent, rank_components
from rbtrace.evaluation.differences import Difference, difference
from rbtrace.evaluation.documents import dumps, loads
from rbtrace.evaluation.equivalence import Disagreement, assert_equivalent, find_disagreement
from rbtrace.evaluation.errors import InvalidFieldError, NotEquivalentError
from rbtrace.evaluation.implementations import AlternativeSolution, BaselineImplementation
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
from rbtrace.evaluation.timing import TimedExecution, timed, timed_pairs
from rbtrace.evaluation.tolerances import EXACT, Tolerance

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
