"""Figures over a window that moves along a series.

Each function gives one value for each of the series; those for which the window is not full are
not-a-number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rbtrace.evaluation.validation import equally_long, window


def rolling(
    values: Sequence[float], length: int, figure: Callable[[Sequence[float]], float]
) -> list[float]:
    """Any figure of each full window.

    Raises:
        InvalidFieldError: the window is shorter than 1.
    """
    window(length)
    return [
        figure(values[end - length : end]) if end >= length else math.nan
        for end in range(1, len(values) + 1)
    ]


def rolling_sum(values: Sequence[float], length: int) -> list[float]:
    """Sum of each window."""
    return rolling(values, length, math.fsum)


def rolling_min(values: Sequence[float], length: int) -> list[float]:
    """Least value of each window."""
    return rolling(values, length, min)


def rolling_max(values: Sequence[float], length: int) -> list[float]:
    """Largest value of each window."""
    return rolling(values, length, max)


def rolling_median(values: Sequence[float], length: int) -> list[float]:
    """Middle value of each window, or the mean of the middle two."""
    return rolling(values, length, _median)


def rolling_std(values: Sequence[float], length: int, ddof: int = 1) -> list[float]:
    """Standard deviation of each window, with n − ddof in the denominator.

    Raises:
        InvalidFieldError: the window is not longer than ddof.
    """
    window(length, ddof + 1)
    return rolling(values, length, lambda part: standard_deviation(part, ddof))


def rolling_correlation(
    first: Sequence[float], second: Sequence[float], length: int
) -> list[float]:
    """Pearson's correlation in each window; not-a-number where a series does not vary.

    Raises:
        InvalidFieldError: the series are not equally long or the window is shorter than 2.
    """
    window(length, 2)
    equally_long(first, second)
    return [
        correlation(first[end - length : end], second[end - length : end])
        if end >= length
        else math.nan
        for end in range(1, len(first) + 1)
    ]


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, without loss in the sum."""
    return math.fsum(values) / len(values)


def standard_deviation(values: Sequence[float], ddof: int = 1) -> float:
    """Standard deviation with n − ddof in the denominator."""
    centre = mean(values)
    squares = math.fsum((value - centre) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - ddof))


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's correlation; not-a-number where a series does not vary."""
    if min(first) == max(first) or min(second) == max(second):
        return math.nan  # rounding of the mean would pass for variation
    centres = mean(first), mean(second)
    pairs = [(x - centres[0], y - centres[1]) for x, y in zip(first, second, strict=True)]
    together = math.fsum(x * y for x, y in pairs)
    alone = math.sqrt(math.fsum(x * x for x, _ in pairs) * math.fsum(y * y for _, y in pairs))
    return together / alone if alone else math.nan


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2
