"""Moving averages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rbtrace.evaluation.baselines.rolling import mean, rolling
from rbtrace.evaluation.validation import window


def sma(values: Sequence[float], length: int) -> list[float]:
    """Simple moving average; not-a-number until the window is full."""
    return rolling(values, length, mean)


def wma(values: Sequence[float], length: int) -> list[float]:
    """Linearly weighted moving average: the newest value counts `length` times."""
    whole = length * (length + 1) / 2
    return rolling(
        values,
        length,
        lambda part: math.fsum(weight * value for weight, value in enumerate(part, 1)) / whole,
    )


def ema(values: Sequence[float], length: int) -> list[float]:
    """Exponential moving average with weight 2 ÷ (length + 1), from the first value on."""
    window(length)
    return smoothed(values, 2 / (length + 1))


def wilder(values: Sequence[float], length: int) -> list[float]:
    """Wilder's moving average: exponential, with weight 1 ÷ length."""
    window(length)
    return smoothed(values, 1 / length)


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Exponential smoothing: weight · value + (1 − weight) · the last result."""
    smooth: list[float] = []
    for value in values:
        smooth.append(value if not smooth else weight * value + (1 - weight) * smooth[-1])
    return smooth
