"""Distributions of durations: histograms of summary spans as flat columns, and quantiles.

A bucket is represented by its harmonic middle, 2·low·high ÷ (low + high): the value whose
relative distance to both edges is the same. It is clamped to the shortest and longest call of its
summary, and to both for the first and last bucket, whose outer edges are not written.

Quantiles are by nearest rank: exact from durations, approximate where histograms take part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Ints, Mask
from rbtrace.analysis.attributes import Summary

_LONGEST_S: Final = 4e9
"""Longer than any call, s; stands for the +Inf of the last bucket."""


class Buckets(NamedTuple):
    """Occupied buckets: index of the summary, representative duration (ns), calls in it."""

    summary: Ints
    middle_ns: Ints
    calls: Ints

    def of(self, kept: Mask) -> Buckets:
        """The buckets of the summaries that are kept, which are numbered anew."""
        number = np.cumsum(kept) - 1
        chosen = kept[self.summary]
        return Buckets(number[self.summary[chosen]], self.middle_ns[chosen], self.calls[chosen])

    def between(self, first: int, last: int) -> Buckets:
        """The buckets of the summaries from `first` to before `last`, numbered from 0."""
        begin, end = np.searchsorted(self.summary, (first, last)).tolist()
        part = slice(begin, end)
        return Buckets(self.summary[part] - first, self.middle_ns[part], self.calls[part])

    @classmethod
    def joined(cls, parts: Sequence[Buckets], first: Sequence[int]) -> Buckets:
        """Several one after the other; `first` has the index of the first summary of each."""
        return cls(
            np.concatenate([part.summary + at for part, at in zip(parts, first, strict=True)]),
            np.concatenate([part.middle_ns for part in parts]),
            np.concatenate([part.calls for part in parts]),
        )


def buckets_of(summaries: Sequence[Summary]) -> Buckets:
    """Flatten the histograms of summaries.

    A summary without a histogram (a collector may leave it out) gets one bucket at its mean.
    """
    if not summaries:
        none = np.zeros(0, np.int64)
        return Buckets(none, none, none)
    index: list[int] = []
    upper: list[float] = []
    cumulative: list[int] = []
    opens: list[bool] = []
    for position, summary in enumerate(summaries):
        bounds = summary.bounds or [summary.total / 1e9 / max(1, summary.calls)]
        counts = summary.counts or [summary.calls, summary.calls]
        index += [position] * len(counts)
        upper += bounds
        upper.append(np.inf)
        cumulative += counts
        opens += [True] + [False] * len(bounds)
    owner = np.array(index, np.int64)
    opening = np.array(opens, np.bool_)
    reached = np.array(cumulative, np.int64)
    calls = reached - np.where(opening, 0, np.roll(reached, 1))
    bound_ns = np.nan_to_num(np.clip(np.array(upper, np.float64), 0, _LONGEST_S)) * 1e9
    edge = np.rint(bound_ns).astype(np.int64)
    shortest = np.array([summary.shortest for summary in summaries], np.int64)[owner]
    longest = np.array([summary.longest for summary in summaries], np.int64)[owner]
    low = np.clip(np.where(opening, 0, np.roll(edge, 1) + 1), shortest, None).astype(np.float64)
    high = np.minimum(edge, longest).astype(np.float64)
    with np.errstate(invalid="ignore"):
        middle = np.where(low + high > 0, 2 * low * (high / (low + high)), 0)
    exact = np.array([not summary.bounds for summary in summaries], np.bool_)[owner]
    middle = np.where(exact, edge, np.rint(middle))
    occupied = calls > 0
    clamped = np.clip(middle, shortest, np.maximum(shortest, longest)).astype(np.int64)
    return Buckets(owner[occupied], clamped[occupied], calls[occupied])


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
