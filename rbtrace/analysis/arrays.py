"""Array types of the analyses, and exact whole-number arithmetic on arrays.

Sums by group, the lengths of unions of intervals, and the division of a whole in proportion: all
stay integers, so nothing is lost to rounding. Every group of intervals gets its own stretch of one
long time line, so that a single sort and a single running maximum do for all of them.

Quantiles are by nearest rank: exact from durations, approximate where histograms take part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

type Ints = npt.NDArray[np.int64]
type Ids = npt.NDArray[np.uint64]
type Codes = npt.NDArray[np.int32]
type Labels = npt.NDArray[np.int16] | npt.NDArray[np.int32]
"""Codes with few values, as narrow as their number allows."""
type Mask = npt.NDArray[np.bool_]

_NARROW: Final = 1 << 15
_COUNTED: Final = 4
"""With more possible codes per code that is given, sorting is faster than counting."""


def sum_by(group: npt.NDArray[np.integer[Any]], values: Ints, groups: int) -> Ints:
    """Sum `values` per group, exactly: `np.bincount` would go through floats.

    Args:
        group: group of each value, 0 ≤ group < groups.
        values: what to sum.
        groups: length of the result.
    """
    sums = np.zeros(groups, np.int64)
    np.add.at(sums, group, values)
    return sums


def labels(codes: npt.NDArray[np.integer[Any]], count: int) -> Labels:
    """Codes below `count`, as narrow as that allows."""
    if count <= _NARROW:
        return codes.astype(np.int16, copy=False)
    return codes.astype(np.int32, copy=False)


def occurring(codes: npt.NDArray[np.integer[Any]], count: int) -> Ints:
    """The codes that occur, in order; all are below `count`."""
    occurs = np.zeros(count, np.bool_)
    occurs[codes] = True
    return np.flatnonzero(occurs)


def distinct(codes: npt.NDArray[np.integer[Any]], count: int) -> tuple[Ints, Ints]:
    """The codes that occur, in order, and the index of each code in them; all are below `count`."""
    if count > _COUNTED * max(1, codes.size):
        return np.unique(codes, return_inverse=True)
    codes_there = occurring(codes, count)
    number = np.zeros(count, np.int64)
    number[codes_there] = np.arange(codes_there.size)
    return codes_there, number[codes]


def starts_of_runs(ordered: npt.NDArray[Any]) -> Ints:
    """Positions at which a sorted array begins a new value."""
    if not ordered.size:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))


def ranks(texts: Sequence[str]) -> Ints:
    """Rank of each text in alphabetical order; the same text has the same rank."""
    rank = {text: number for number, text in enumerate(sorted(set(texts)))}
    return np.array([rank[text] for text in texts], np.int64)


LONGEST_LINE: Final = 2.0**62


def union_lengths(group: Labels, low: Ints, high: Ints, first: Ints, length: Ints) -> Ints:
    """Length of the union of the intervals of each group, ns.

    Args:
        group: group of each interval.
        low: where each interval begins, ns.
        high: where it ends; intervals with `high` ≤ `low` are empty.
        first: for each group, a moment not after any of its intervals, ns.
        length: for each group, how long after `first` its intervals may end, ns.
    """
    used = high > low
    if not used.all():
        group, low, high = group[used], low[used], high[used]
    result = np.zeros(first.size, np.int64)
    if not group.size:
        return result
    occurs = np.zeros(first.size, np.bool_)
    occurs[group] = True
    length = np.where(occurs, length, 0)
    if float(length.sum(dtype=np.float64)) > LONGEST_LINE and np.count_nonzero(occurs) > 1:
        return _in_halves(group, low, high, first, length)
    offset = np.cumsum(length) - length - first
    shift = offset[group]
    begin, end = low + shift, high + shift
    order = np.argsort(begin)
    begin, end = begin[order], end[order]
    reached = np.maximum.accumulate(end)
    before = np.concatenate((begin[:1], reached[:-1]))
    gained = np.maximum(reached - np.maximum(begin, before), 0)
    ordered = group[order]
    starts = starts_of_runs(ordered)
    result[ordered[starts]] = np.add.reduceat(gained, starts)
    return result


def _in_halves(group: Labels, low: Ints, high: Ints, first: Ints, length: Ints) -> Ints:
    """Use two shorter time lines, as one would be longer than 2^62 ns."""
    groups = np.unique(group)
    lower = group < groups[groups.size // 2]
    return union_lengths(group[lower], low[lower], high[lower], first, length) + union_lengths(
        group[~lower], low[~lower], high[~lower], first, length
    )


def apportion(amount: Ints, kept: Ints, weight: Ints, first: Ints) -> Ints:
    """Divide the amount of each group between the group's keeper and its members.

    Each gets its part in proportion to its weight, rounded down; what is left goes, one by one, to
    those with the largest remainders: the keeper first, then the members in order.

    Args:
        amount: what each group has to divide, ≥ 0.
        kept: weight of each group's keeper.
        weight: weight of each member, members of a group together.
        first: position of the first member of each group.

    Returns:
        What each member gets; the rest of a group's amount is its keeper's. Where all weights are
        0 that is everything.
    """
    groups = np.repeat(np.arange(first.size), np.diff(np.append(first, weight.size)))
    whole = kept + sum_by(groups, weight, first.size)
    divisible = whole > 0
    divisor = np.where(divisible, whole, 1)
    own, own_left = _multiply_divide(amount, np.where(divisible, kept, 1), divisor)
    given, left = _multiply_divide(amount[groups], weight, divisor[groups])
    given[~divisible[groups]] = 0
    left[~divisible[groups]] = 0
    remaining = np.where(divisible, amount - own - sum_by(groups, given, first.size), 0)
    # Rank all claims of a group, the keeper's among them, by remainder.
    claim_group = np.concatenate((np.arange(first.size), groups))
    claim_left = np.concatenate((own_left, left))
    order = np.lexsort((np.arange(claim_group.size), -claim_left, claim_group))
    begins = np.searchsorted(claim_group[order], np.arange(first.size))
    rank = np.arange(order.size) - begins[claim_group[order]]
    gets_one = np.zeros(order.size, np.bool_)
    gets_one[order] = rank < remaining[claim_group[order]]
    return given + gets_one[first.size :]


def _multiply_divide(amount: Ints, weight: Ints, divisor: Ints) -> tuple[Ints, Ints]:
    """Quotient and remainder of amount · weight ÷ divisor, where weight ≤ divisor.

    The product may pass 64 bits; the float quotient is off by little, and the remainder, small
    again, comes out exactly in arithmetic modulo 2^64, so it tells by how much.
    """
    quotient = (amount * (weight / divisor)).astype(np.int64)
    with np.errstate(over="ignore"):
        remainder = amount * weight - quotient * divisor
    correction = np.floor_divide(remainder, divisor)
    return quotient + correction, remainder - correction * divisor


def share(part: int, whole: int) -> float | None:
    """The part as a fraction of the whole; None when there is nothing to share."""
    return part / whole if whole > 0 else None


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
