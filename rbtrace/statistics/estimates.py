"""Student's t on the log scale, for one experiment or for many at once.

Every function works along the last axis, so a simulation of thousands of experiments runs the very
code that judges one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from rbtrace.statistics.samples import Floats

NO_SPREAD: Final = 1e-12
"""Logarithms that differ by less than this are equal: what remains is rounding."""


class LogEstimate(NamedTuple):
    """An estimate on the log (or logit) scale; arrays of one shape.

    Attributes:
        value: the estimate.
        error: its standard error; NaN where there is nothing to take it from.
        df: degrees of freedom of the standard error.
    """

    value: Floats
    error: Floats
    df: Floats

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """Both ends of the two-sided interval: value ∓ t(1 − α/2, df) · error."""
        half = student_quantile((1 + confidence) / 2, self.df) * self.error
        return self.value - half, self.value + half

    def p_value(self, null: float = 0.0) -> Floats:
        """Two-sided p of the hypothesis that the true value is `null`."""
        return 2 * student_tail(np.abs(self.value - null) / self.error, self.df)


def log_welch(baseline: Floats, candidate: Floats) -> LogEstimate:
    """Difference of the means of two independent sets of logarithms, variances free to differ.

    Shapes (…, n) and (…, m); n and m may differ.

    Source:
        B. L. Welch, Biometrika 34 (1947) 28–35; degrees of freedom by F. E. Satterthwaite,
        Biometrics Bulletin 2 (1946) 110–114.
    """
    n, m = baseline.shape[-1], candidate.shape[-1]
    value = candidate.mean(axis=-1) - baseline.mean(axis=-1)
    if n < 2 or m < 2:
        return _without_error(value)
    spread = (_variance(baseline), _variance(candidate))
    parts = (spread[0] / n, spread[1] / m)
    variance = parts[0] + parts[1]
    varied = has_spread(baseline) & has_spread(candidate)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = variance**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    return LogEstimate(value, np.where(varied, np.sqrt(variance), np.nan), df)


def paired_log_t(baseline: Floats, candidate: Floats) -> LogEstimate:
    """Mean of the differences of logarithms that belong together; both of shape (…, n).

    Source:
        Student, Biometrika 6 (1908) 1–25.
    """
    difference = candidate - baseline
    n = difference.shape[-1]
    value = difference.mean(axis=-1)
    if n < 2:
        return _without_error(value)
    variance = _variance(difference)
    error = np.where(has_spread(difference), np.sqrt(variance / n), np.nan)
    return LogEstimate(value, error, np.full_like(value, n - 1))


def has_spread(values: Floats) -> npt.NDArray[np.bool_]:
    """Whether logarithms differ by more than rounding, along the last axis."""
    return np.asarray(np.ptp(values, axis=-1) > NO_SPREAD)


def student_quantile(probability: float, df: Floats) -> Floats:
    """Quantile of Student's t."""
    from scipy import special  # noqa: PLC0415 - heavy

    quantile: Floats = special.stdtrit(df, probability)
    return quantile


def student_tail(t: Floats, df: Floats) -> Floats:
    """Probability that Student's t exceeds `t`, accurate far out."""
    from scipy import special  # noqa: PLC0415 - heavy

    tail: Floats = special.stdtr(df, -t)
    return tail


def _variance(values: Floats) -> Floats:
    variance: Floats = values.var(axis=-1, ddof=1)
    return variance


def _without_error(value: Floats) -> LogEstimate:
    unknown = np.full_like(value, np.nan)
    return LogEstimate(value, unknown, unknown)
