"""Quantiles by nearest rank: exact from durations, approximate where histograms take part."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Ints

EXACT: Final = "exact"
HISTOGRAM: Final = "histogram"

_PER_MILLE: Final = (500, 950, 990)


class Quantiles(NamedTuple):
    """Median, 95th and 99th percentile, ns, and whether they are exact."""

    p50_ns: int
    p95_ns: int
    p99_ns: int
    method: str


def exact_quantiles(durations: Ints) -> Quantiles:
    """Nearest rank of one or more durations (ns, any order)."""
    ranks = [_rank(durations.size, per_mille) - 1 for per_mille in _PER_MILLE]
    ordered = np.partition(durations, ranks)
    p50, p95, p99 = (int(ordered[rank]) for rank in ranks)
    return Quantiles(p50, p95, p99, EXACT)


def mixed_quantiles(durations: Ints, middles: Ints, calls: Ints) -> Quantiles:
    """Nearest rank over durations (ns) and histogram buckets together.

    Args:
        durations: durations of real spans, each counting once.
        middles: representative duration of each bucket.
        calls: how many calls each bucket counts for.
    """
    values = np.concatenate((durations, middles))
    weights = np.concatenate((np.ones(durations.size, np.int64), calls))
    if not values.size:
        return Quantiles(0, 0, 0, HISTOGRAM)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    ranks = [_rank(int(reached[-1]), per_mille) for per_mille in _PER_MILLE]
    p50, p95, p99 = values[order][np.searchsorted(reached, ranks)].tolist()
    return Quantiles(p50, p95, p99, HISTOGRAM)


def _rank(count: int, per_mille: int) -> int:
    return max(1, -(-count * per_mille // 1000))
