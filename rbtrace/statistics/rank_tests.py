"""Rank tests, which assume nothing of the distribution: Mann–Whitney and Wilcoxon."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from rbtrace.statistics.samples import Floats

_EXACT_UP_TO: Final = 100
"""Runs per arm for which the exact distribution is still computed in less than 0.1 s."""

_ALL_SIGNS_UP_TO: Final = 13
"""Pairs for which scipy tries all signs when there are ties."""


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

    Exact without ties, and with them where scipy would try all signs; else normal.

    Source:
        F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83.
    """
    from scipy import stats  # noqa: PLC0415 - heavy

    differences = candidate - baseline
    sizes = np.abs(differences)
    if sizes.size > _ALL_SIGNS_UP_TO or (sizes.all() and np.unique(sizes).size == sizes.size):
        return float(stats.wilcoxon(differences).pvalue)
    moved = sizes > 0
    return _signed_rank_p(stats.rankdata(sizes[moved]), differences[moved] > 0)


def _signed_rank_p(ranks: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Exact p of a sum of ranks, which may be shared, under random signs.

    scipy gives the same by trying all signs, which takes seconds; here sums are counted rank by
    rank. Ranks are doubled, because shared ones may end in a half.
    """
    doubled = np.rint(2 * ranks).astype(np.int64)
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    observed = int(doubled[positive].sum())
    tail = min(ways[: observed + 1].sum(), ways[observed:].sum()) / ways.sum()
    return float(min(1.0, 2 * tail))


def least_possible_p(baseline: int, candidate: int, *, paired: bool) -> float:
    """The smallest p that the rank test of so many runs can give."""
    outcomes = 2**baseline if paired else math.comb(baseline + candidate, baseline)
    return min(1.0, 2 / outcomes)
