"""Evaluations as JSON, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_origin

from rbtrace.evaluation.components import OptimizationComponent
from rbtrace.evaluation.functions import function_of, name_of
from rbtrace.evaluation.implementations import AlternativeSolution, BaselineImplementation
from rbtrace.evaluation.report import PerformanceReport
from rbtrace.evaluation.results import BenchmarkResult, BenchmarkResultSet
from rbtrace.evaluation.sequence import SequentialEvaluation
from rbtrace.evaluation.thresholds import PerformanceThreshold, ThresholdEvaluation
from rbtrace.statistics.documents import Family
from rbtrace.statistics.json import decode_finding, encode_finding


def _encode(value: Any) -> Any:
    return name_of(value) if callable(value) else encode_finding(value)


def _decode(kind: Any, value: Any) -> Any:
    return function_of(value) if get_origin(kind) is Callable else decode_finding(kind, value)


_FAMILY: Final = Family(
    "rbtrace.evaluation",
    (
        AlternativeSolution,
        BaselineImplementation,
        BenchmarkResult,
        BenchmarkResultSet,
        OptimizationComponent,
        PerformanceReport,
        PerformanceThreshold,
        SequentialEvaluation,
        ThresholdEvaluation,
    ),
    _encode,
    _decode,
)

dumps = _FAMILY.dumps
loads = _FAMILY.loads
