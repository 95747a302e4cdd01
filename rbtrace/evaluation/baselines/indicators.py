"""Technical indicators, as plainly as they can be written.

Columns have one value for each bar, oldest first, all finite. Results have one value for each bar,
not-a-number where there is not enough history.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rbtrace.evaluation.baselines.averages import ema, sma, smoothed, wilder
from rbtrace.evaluation.baselines.rolling import (
    mean,
    rolling,
    rolling_max,
    rolling_min,
    rolling_std,
)
from rbtrace.evaluation.validation import equally_long, window


class Macd(NamedTuple):
    """Moving average convergence and divergence."""

    line: list[float]
    signal: list[float]
    histogram: list[float]


class Bands(NamedTuple):
    """A band around a moving average."""

    lower: list[float]
    middle: list[float]
    upper: list[float]


class Stochastic(NamedTuple):
    """The stochastic oscillator, per cent."""

    k: list[float]
    d: list[float]


def momentum(values: Sequence[float], length: int) -> list[float]:
    """Difference from the value `length` bars ago."""
    window(length)
    return [
        value - values[bar - length] if bar >= length else math.nan
        for bar, value in enumerate(values)
    ]


def rate_of_change(values: Sequence[float], length: int) -> list[float]:
    """Change from the value `length` bars ago, per cent of it."""
    window(length)
    return [
        100 * (value / values[bar - length] - 1) if bar >= length else math.nan
        for bar, value in enumerate(values)
    ]


def rsi(values: Sequence[float], length: int = 14) -> list[float]:
    """Relative strength index with Wilder's averages, 0 to 100; 50 where nothing moved.

    Source:
        J. W. Wilder, New Concepts in Technical Trading Systems (1978).
    """
    window(length)
    changes = [after - before for before, after in pairwise(values)]
    rises = wilder([max(change, 0.0) for change in changes], length)
    falls = wilder([max(-change, 0.0) for change in changes], length)
    strength = [
        50.0 if rise + fall == 0 else 100 * rise / (rise + fall)
        for rise, fall in zip(rises, falls, strict=True)
    ]
    return [math.nan if bar < length else strength[bar - 1] for bar in range(len(values))]


def macd(values: Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Difference of a fast and a slow exponential average, and its own average.

    Source:
        G. Appel, The Moving Average Convergence-Divergence Trading Method (1979).
    """
    line = _difference(ema(values, fast), ema(values, slow))
    average = ema(line, signal)
    return Macd(line, average, _difference(line, average))


def bollinger(values: Sequence[float], length: int = 20, width: float = 2.0) -> Bands:
    """Simple average ± `width` population standard deviations.

    Source:
        J. Bollinger, Bollinger on Bollinger Bands (2001).
    """
    middle, spread = sma(values, length), rolling_std(values, length, ddof=0)
    return Bands(
        [centre - width * deviation for centre, deviation in zip(middle, spread, strict=True)],
        middle,
        [centre + width * deviation for centre, deviation in zip(middle, spread, strict=True)],
    )


def true_range(high: Sequence[float], low: Sequence[float], close: Sequence[float]) -> list[float]:
    """Range of each bar, with the gap from the close before it."""
    equally_long(high, low, close)
    ranges = []
    for bar, (top, bottom) in enumerate(zip(high, low, strict=True)):
        before = close[bar - 1] if bar else None
        gaps = [] if before is None else [abs(top - before), abs(bottom - before)]
        ranges.append(max([top - bottom, *gaps]))
    return ranges


def atr(
    high: Sequence[float], low: Sequence[float], close: Sequence[float], length: int = 14
) -> list[float]:
    """Average true range with Wilder's average.

    Source:
        J. W. Wilder, New Concepts in Technical Trading Systems (1978).
    """
    averages = wilder(true_range(high, low, close), length)
    return [math.nan if bar < length - 1 else value for bar, value in enumerate(averages)]


def stochastic(
    high: Sequence[float],
    low: Sequence[float],
    close: Sequence[float],
    length: int = 14,
    smoothing: int = 3,
) -> Stochastic:
    """Place of the close in the range of the last bars; not-a-number where there is no range.

    Source:
        G. Lane, Lane's Stochastics, Technical Analysis of Stocks and Commodities 2 (1984).
    """
    equally_long(high, low, close)
    rows = zip(close, rolling_min(low, length), rolling_max(high, length), strict=True)
    k = [
        100 * (last - bottom) / (top - bottom) if top > bottom else math.nan
        for last, bottom, top in rows
    ]
    return Stochastic(k, sma(k, smoothing))


def williams_r(
    high: Sequence[float], low: Sequence[float], close: Sequence[float], length: int = 14
) -> list[float]:
    """Williams' %R: the stochastic's %K from above, −100 to 0."""
    return [k - 100 for k in stochastic(high, low, close, length).k]


def cci(
    high: Sequence[float], low: Sequence[float], close: Sequence[float], length: int = 20
) -> list[float]:
    """Commodity channel index; not-a-number where prices do not move.

    Source:
        D. R. Lambert, Commodities 9 (1980) 40–41.
    """
    equally_long(high, low, close)
    typical = [sum(bar) / 3 for bar in zip(high, low, close, strict=True)]
    return rolling(typical, length, _channel)


def obv(close: Sequence[float], volume: Sequence[float]) -> list[float]:
    """On-balance volume: volume added on rises and taken off on falls, from 0.

    Source:
        J. Granville, New Key to Stock Market Profits (1963).
    """
    equally_long(close, volume)
    balance: list[float] = []
    for bar, traded in enumerate(volume):
        change = close[bar] - close[bar - 1] if bar else 0
        sign = (change > 0) - (change < 0)
        balance.append((balance[-1] if balance else 0.0) + sign * traded)
    return balance


def vwap(price: Sequence[float], volume: Sequence[float]) -> list[float]:
    """Volume-weighted average price since the first bar; not-a-number before any volume."""
    equally_long(price, volume)
    averages, paid, traded = [], 0.0, 0.0
    for each, amount in zip(price, volume, strict=True):
        paid += each * amount
        traded += amount
        averages.append(paid / traded if traded else math.nan)
    return averages


def dema(values: Sequence[float], length: int) -> list[float]:
    """Double exponential moving average: 2 · EMA − EMA of EMA.

    Source:
        P. G. Mulloy, Technical Analysis of Stocks and Commodities 12 (1994).
    """
    once = ema(values, length)
    twice = smoothed(once, 2 / (length + 1))
    return [2 * first - second for first, second in zip(once, twice, strict=True)]


def _difference(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(left, right, strict=True)]


def _channel(typical: Sequence[float]) -> float:
    centre = mean(typical)
    deviation = mean([abs(value - centre) for value in typical])
    return (typical[-1] - centre) / (0.015 * deviation) if deviation else math.nan
