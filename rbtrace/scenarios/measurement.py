"""Ratios of runs that belong together, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PairedRatio:
    """Geometric mean of paired ratios with its 95 % interval.

    Attributes:
        ratio: candidate ÷ baseline.
        low: lower end, None with fewer than two pairs.
        high: upper end, None with fewer than two pairs.
    """

    ratio: float
    low: float | None
    high: float | None


def paired_ratio(baseline: Sequence[float], candidate: Sequence[float]) -> PairedRatio:
    """Compare runs that belong together in pairs, on the log scale, by Student's t.

    Raises:
        ValueError: the lengths differ or there are no pairs.
    """
    logs = [math.log(after / before) for before, after in zip(baseline, candidate, strict=True)]
    if not logs:
        raise ValueError("there are no pairs to compare")
    mean = math.fsum(logs) / len(logs)
    if len(logs) == 1:
        return PairedRatio(math.exp(mean), None, None)
    from scipy import stats  # noqa: PLC0415 - heavy

    variance = math.fsum((value - mean) ** 2 for value in logs) / (len(logs) - 1)
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * math.sqrt(variance / len(logs))
    return PairedRatio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))
