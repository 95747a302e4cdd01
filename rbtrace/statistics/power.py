"""Statistical power: the minimum detectable effect, and the runs an effect requires."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from rbtrace.statistics.estimates import LogEstimate, student_quantile
from rbtrace.statistics.samples import (
    Floats,
    InvalidParameterError,
    Number,
    open_fraction,
    parameter,
    percentage,
)

POWER: Final = 0.8


def minimum_detectable_effect(estimate: LogEstimate, confidence: float) -> float:
    """The smallest improvement that such runs find four times in five, per cent.

    The usual approximation: an effect of (t(1 − α/2) + t(power)) standard errors.

    Source:
        H. S. Bloom, Evaluation Review 19 (1995) 547–556.
    """
    return 100 * -math.expm1(-_multiple(estimate.df, confidence, POWER) * float(estimate.error))


def required_runs(
    cv: Number,
    effect: Number,
    *,
    power: Number = POWER,
    confidence: Number = 0.95,
    paired: bool = False,
) -> int:
    """Runs for each arm (or pairs) that are needed to find an improvement.

    About 15.7 · (CV ÷ |ln(1 − effect)|)² for two arms, and half as many pairs; a few more where
    runs are few, because their spread has to be estimated too.

    Args:
        cv: coefficient of variation of the runs (or of the ratios of pairs), a fraction.
        effect: improvement to be found, per cent, above 0 and below 100.
        power: chance of finding it.
        confidence: 1 − the chance of finding something in equal arms.
        paired: `cv` is that of the ratios of pairs.

    Raises:
        InvalidParameterError: a parameter is outside its range.

    Source:
        J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. (1988), ch. 2.
    """
    level, chance = open_fraction(confidence, "confidence"), open_fraction(power, "power")
    spread = parameter(cv, "cv")
    if spread < 0:
        raise InvalidParameterError(f"cv must be at least 0, not {cv}")
    size = percentage(effect, "effect", below=100)
    if size == 0:
        raise InvalidParameterError("effect must be above 0: no number of runs finds nothing")
    arms = 1 if paired else 2
    distance = -math.log1p(-size / 100)
    needed = 2
    while True:
        df = arms * (needed - 1)
        multiple = _multiple(df, level, chance)
        target = math.ceil(arms * (multiple * spread / distance) ** 2)
        if target <= needed:
            return needed
        needed = max(needed + 1, target if needed > 100 else needed + 1)


def _multiple(df: float | Floats, confidence: float, power: float) -> float:
    degrees = np.asarray(df, np.float64)
    return float(student_quantile((1 + confidence) / 2, degrees)) + float(
        student_quantile(power, degrees)
    )
