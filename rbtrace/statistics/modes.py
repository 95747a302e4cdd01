"""Do the runs fall into two groups? Then their mean describes neither."""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.statistics.samples import Floats

_GROUP: Final = 3
"""Least runs in a group: one or two slow runs are outliers, not a second mode."""
_RUNS: Final = (10, 15, 20, 30)
_LIMITS: Final = (6.1, 4.9, 4.5, 4.0)
"""D that one group of so many runs, normal on the log scale, exceeds about once in a hundred."""


def ashman_d(values: Floats) -> float:
    """Distance of the two groups that divide the values best, in units of their spread.

    D = √2 · |m₁ − m₂| ÷ √(s₁² + s₂²); the division is the one with the least sum of squares.
    Infinite where both groups have no spread; 0 with fewer than six values.

    Source:
        K. M. Ashman, C. M. Bird, S. E. Zepf, Astronomical Journal 108 (1994) 2348–2361.
    """
    if values.size < 2 * _GROUP:
        return 0.0
    ordered = np.sort(values - values.mean())
    place = _best_division(ordered)
    low, high = ordered[:place], ordered[place:]
    distance = float(high.mean() - low.mean())
    spread = float(np.sqrt(low.var(ddof=1) + high.var(ddof=1)))
    if spread == 0:
        return float("inf") if distance else 0.0
    return float(np.sqrt(2)) * distance / spread


def limit(runs: int) -> float:
    """D above which so many runs are called bimodal; infinite where they are too few to tell."""
    return float(np.interp(runs, _RUNS, _LIMITS)) if runs >= _RUNS[0] else float("inf")


def _best_division(ordered: Floats) -> int:
    """Where to cut so that the squares within the groups sum to least: between them, to most."""
    places = np.arange(_GROUP, ordered.size - _GROUP + 1)
    sums = np.cumsum(ordered)
    left = sums[places - 1]
    between = left**2 / places + (sums[-1] - left) ** 2 / (ordered.size - places)
    return int(places[np.argmax(between)])
