"""The same question asked by ranks: no assumption about the shape of the distribution."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from rbtrace.statistics.samples import Floats

_EXACT_UP_TO: Final = 100
"""Runs per arm for which the exact distribution is still computed in less than 0.1 s."""


def mann_whitney_p(baseline: Floats, candidate: Floats) -> float:
    """Two-sided p of the Mann–Whitney U test; exact without ties, else normal with correction.

    Source:
        H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947) 50–60.
    """
    from scipy import stats  # noqa: PLC0415 - heavy

    both = np.concatenate((baseline, candidate))
    tied = np.unique(both).size < both.size
    exact = not tied and max(baseline.size, candidate.size) <= _EXACT_UP_TO
    method = "exact" if exact else "asymptotic"
    return float(stats.mannwhitneyu(baseline, candidate, method=method).pvalue)


def wilcoxon_p(baseline: Floats, candidate: Floats) -> float:
    """Two-sided p of Wilcoxon's signed-rank test of the differences.

    Source:
        F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83.
    """
    from scipy import stats  # noqa: PLC0415 - heavy

    return float(stats.wilcoxon(candidate - baseline).pvalue)


def least_possible_p(baseline: int, candidate: int, *, paired: bool) -> float:
    """The smallest p that the rank test of so many runs can give."""
    outcomes = 2**baseline if paired else math.comb(baseline + candidate, baseline)
    return min(1.0, 2 / outcomes)
