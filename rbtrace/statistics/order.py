"""What the order of the runs says: did the arms take turns, and did the machine change?"""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.statistics import findings
from rbtrace.statistics.findings import Finding
from rbtrace.statistics.samples import Floats

_ENOUGH_PAIRS: Final = 8
"""Random order puts one arm first in all of so many pairs once in 128 times."""
_ENOUGH_RUNS: Final = 8
_ALARM: Final = 0.01
_Z_ALARM: Final = 2.326  # one-sided 1 %


def turns(baseline: Floats, candidate: Floats, *, paired: bool) -> list[Finding]:
    """Warn if the arms did not take turns, given when each run started."""
    if min(baseline.size, candidate.size) < 2:
        return []
    if baseline.max() < candidate.min() or candidate.max() < baseline.min():
        message = "one arm ran after the other: what changed on the machine looks like a difference"
        return [Finding(findings.SEQUENTIAL, message)]
    first = baseline < candidate if paired else np.zeros(0, np.bool_)
    if first.size >= _ENOUGH_PAIRS and (first.all() or not first.any()):
        message = "the same arm came first in every pair: order the pairs at random"
        return [Finding(findings.FIXED_ORDER, message)]
    return []


def trend(logs: Floats, name: str) -> list[Finding]:
    """Warn if runs, in the order they ran, become slower or faster, or resemble their neighbours.

    Source:
        H. B. Mann, Econometrica 13 (1945) 245–259 (trend); A. Wald, J. Wolfowitz, Annals of
        Mathematical Statistics 14 (1943) 378–388 (serial correlation).
    """
    if logs.size < _ENOUGH_RUNS or np.ptp(logs) == 0:
        return []
    from scipy import stats  # noqa: PLC0415 - heavy

    found = []
    tau, p = stats.kendalltau(np.arange(logs.size), logs)
    if p < _ALARM:
        direction = "slower" if tau > 0 else "faster"
        message = f"{name}: runs become {direction} with time (Kendall's τ {tau:.2f})"
        found.append(Finding(findings.DRIFT, message))
    correlation, z = _serial_correlation(logs)
    if z > _Z_ALARM:
        message = f"{name}: runs resemble the run before them (r {correlation:.2f})"
        found.append(Finding(findings.AUTOCORRELATION, message))
    return found


def _serial_correlation(values: Floats) -> tuple[float, float]:
    """Lag-one correlation, and how many standard deviations it is above that of a random order."""
    n = values.size
    centred = values - values.mean()
    correlation = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    return correlation, (correlation + 1 / n) * n * (n - 1) ** 0.5 / (n - 2)
