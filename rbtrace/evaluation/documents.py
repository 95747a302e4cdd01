"""Evaluations to JSON and back; a function is written as its qualified name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, get_origin

from rbtrace.evaluation.components import (
    AlternativeSolution,
    BaselineImplementation,
    OptimizationComponent,
)
from rbtrace.evaluation.report import PerformanceReport
from rbtrace.evaluation.results import BenchmarkResult, BenchmarkResultSet
from rbtrace.evaluation.sequence import SequentialEvaluation
from rbtrace.evaluation.thresholds import PerformanceThreshold, ThresholdEvaluation
from rbtrace.evaluation.validation import InvalidFieldError
from rbtrace.statistics.documents import Family, decode_finding, encode_finding


def name_of(function: Callable[..., Any]) -> str:
    """`module:qualified.name` of a function that can be found by it.

    Raises:
        InvalidFieldError: it cannot: it is a lambda, a local function, or bound to an instance.
    """
    name = f"{getattr(function, '__module__', None)}:{getattr(function, '__qualname__', None)}"
    try:
        named = function_of(name)
    except InvalidFieldError:
        named = None
    if named is not function:
        raise InvalidFieldError(
            f"{function!r} cannot be written down: only functions at the top of a module can"
        )
    return name


def function_of(name: str) -> Callable[..., Any]:
    """The function of that name. Nothing is imported: a document must not run code.

    Raises:
        InvalidFieldError: its module is not imported, or has no such function.
    """
    module, _, attribute = name.partition(":")
    if module not in sys.modules:
        raise InvalidFieldError(f"the function {name} is unknown: import {module} first")
    try:
        named = attrgetter(attribute)(sys.modules[module])
    except AttributeError:
        named = None
    if not callable(named):
        raise InvalidFieldError(f"{module} has no function {attribute}")
    function: Callable[..., Any] = named
    return function


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
