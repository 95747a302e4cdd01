"""Benchmark results: one pair of runs of baseline and candidate, and a set of pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from rbtrace.evaluation import validation
from rbtrace.evaluation.validation import InvalidFieldError, Number
from rbtrace.statistics.estimates import LogEstimate
from rbtrace.statistics.samples import open_fraction


@dataclass(frozen=True)
class BenchmarkResult:
    """One run of the baseline and the run of the candidate that belongs to it.

    Attributes:
        name: what was measured.
        baseline_time: duration of the baseline, s, above 0.
        optimized_time: duration of the candidate, s, above 0.
        improvement_pct: 1 − optimized_time ÷ baseline_time, per cent; negative: slower.
        memory_usage: peak memory of the candidate, bytes, at least 0.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    name: str
    baseline_time: Number
    optimized_time: Number
    improvement_pct: Number
    memory_usage: Number

    def __post_init__(self) -> None:
        validation.text(self, "name")
        validation.positive(self, "baseline_time")
        validation.positive(self, "optimized_time")
        validation.at_most(self, "improvement_pct", 100)
        validation.not_negative(self, "memory_usage")

    @classmethod
    def of(
        cls, name: str, baseline_time: float, optimized_time: float, memory_usage: float = 0
    ) -> Self:
        """A result whose improvement is computed from its times.

        Raises:
            InvalidFieldError: a field has a value that it may not have.
        """
        unchanged = cls(name, baseline_time, optimized_time, 0, memory_usage)
        improvement = 100 * (1 - 1 / float(unchanged.speedup_ratio))
        return cls(name, baseline_time, optimized_time, improvement, memory_usage)

    @property
    def speedup_ratio(self) -> Number:
        """baseline_time ÷ optimized_time; above 1: faster. Decimal if both are, else float."""
        before, after = self.baseline_time, self.optimized_time
        if isinstance(before, float | int) or isinstance(after, float | int):
            return float(before) / float(after)
        return before / after


@dataclass(frozen=True)
class BenchmarkResultSet:
    """Several results of one thing.

    `mean`, `std` and `confidence_interval` describe `improvement_pct`. Decisions are not made by
    them but by `evaluate_threshold`, on ratios.

    Attributes:
        results: one or more; kept as a tuple, in the order measured.

    Raises:
        InvalidFieldError: there are none, or one is no BenchmarkResult.
    """

    results: Sequence[BenchmarkResult]

    def __post_init__(self) -> None:
        validation.sequence(self, "results", BenchmarkResult)
        if not self.results:
            raise InvalidFieldError("BenchmarkResultSet.results must have one result or more")

    def __len__(self) -> int:
        return len(self.results)

    @property
    def speedup_ratio(self) -> float:
        """Geometric mean of the results' ratios."""
        logs = [math.log(result.speedup_ratio) for result in self.results]
        return math.exp(math.fsum(logs) / len(logs))

    def mean(self) -> float:
        """Arithmetic mean of the improvements, per cent."""
        return float(self._improvements().mean())

    def std(self) -> float:
        """Sample standard deviation (n − 1) of the improvements, percentage points.

        Raises:
            InvalidFieldError: there is one result only.
        """
        if len(self) < 2:
            raise InvalidFieldError("one result has no standard deviation: measure more")
        return float(self._improvements().std(ddof=1))

    def confidence_interval(self, confidence: Number = 0.95) -> tuple[float, float]:
        """Interval of the mean improvement by Student's t, per cent.

        Args:
            confidence: of the two-sided interval, between 0 and 1.

        Raises:
            InvalidFieldError: there is one result only.
            InvalidParameterError: the confidence is not between 0 and 1.

        Source:
            Student, Biometrika 6 (1908) 1–25.
        """
        level = open_fraction(confidence, "confidence")
        error = self.std() / math.sqrt(len(self))
        values = (self.mean(), error, len(self) - 1.0)
        low, high = LogEstimate(*map(np.asarray, values)).interval(level)
        return float(low), float(high)

    def _improvements(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([float(result.improvement_pct) for result in self.results])
