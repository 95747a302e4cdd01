"""Transformations of prices: returns, drawdown, gaps, resampled bars, ranks, as-of joins.

Columns have one value for each bar, oldest first.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rbtrace.evaluation.baselines.rolling import mean, standard_deviation
from rbtrace.evaluation.validation import InvalidFieldError, equally_long, window


class Bars(NamedTuple):
    """Columns of prices and volumes."""

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


def simple_returns(prices: Sequence[float]) -> list[float]:
    """Change from bar to bar as a fraction; the first is not-a-number."""
    return [price / prices[bar - 1] - 1 if bar else math.nan for bar, price in enumerate(prices)]


def log_returns(prices: Sequence[float]) -> list[float]:
    """Difference of the logarithms from bar to bar; the first is not-a-number."""
    return [
        math.log(price / prices[bar - 1]) if bar else math.nan for bar, price in enumerate(prices)
    ]


def cumulative_returns(returns: Sequence[float]) -> list[float]:
    """What the returns up to each bar amount to, compounded."""
    cumulative, growth = [], 1.0
    for change in returns:
        growth *= 1 + change
        cumulative.append(growth - 1)
    return cumulative


def drawdown(values: Sequence[float]) -> list[float]:
    """Distance of each value from the highest so far, as a fraction of that; at most 0."""
    distances, peak = [], -math.inf
    for value in values:
        peak = max(peak, value)
        distances.append(value / peak - 1)
    return distances


def forward_fill(values: Sequence[float], limit: int | None = None) -> list[float]:
    """Replace not-a-number by the last number before it, at most `limit` times running."""
    if limit is not None:
        window(limit)
    filled, last, running = [], math.nan, 0
    for value in values:
        if math.isnan(value):
            running += 1
            filled.append(last if limit is None or running <= limit else math.nan)
        else:
            last, running = value, 0
            filled.append(value)
    return filled


def z_scores(values: Sequence[float]) -> list[float]:
    """Distance from the mean in sample standard deviations.

    Raises:
        InvalidFieldError: there are fewer than two values.
    """
    if len(values) < 2:
        raise InvalidFieldError("z-scores need two values or more")
    centre, spread = mean(values), standard_deviation(values)
    return [(value - centre) / spread if spread else math.nan for value in values]


def ranks(values: Sequence[float]) -> list[float]:
    """Place of each value in ascending order, from 1; equals share the mean of their places."""
    ordered = sorted(values)
    return [
        (bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in values
    ]


def resample(bars: Bars, length: int) -> Bars:
    """Join each `length` bars to one: first, highest, lowest, last, and the sum of volumes.

    Raises:
        InvalidFieldError: columns are not equally long, or the length is less than 1.
    """
    window(length)
    equally_long(*bars)
    parts = [slice(start, start + length) for start in range(0, len(bars.open), length)]
    return Bars(
        [bars.open[part][0] for part in parts],
        [max(bars.high[part]) for part in parts],
        [min(bars.low[part]) for part in parts],
        [bars.close[part][-1] for part in parts],
        [math.fsum(bars.volume[part]) for part in parts],
    )


def as_of(times: Sequence[int], known: Sequence[int], values: Sequence[float]) -> list[float]:
    """The last value known at each time; not-a-number before the first.

    Args:
        times: when a value is asked for, in any order.
        known: when each value became known, ascending.
        values: the values.

    Raises:
        InvalidFieldError: `known` is not ascending, or not as long as `values`.
    """
    equally_long(known, values)
    if any(later < earlier for earlier, later in pairwise(known)):
        raise InvalidFieldError("the times at which values became known must be ascending")
    counts = [bisect_right(known, time) for time in times]
    return [values[count - 1] if count else math.nan for count in counts]
