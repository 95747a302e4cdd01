"""Lengths of unions of intervals, exactly, for many groups at once.

Every group gets its own stretch of one long time line, so that a single sort and a single running
maximum do for all of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.analysis.arrays import Ints, Labels, starts_of_runs

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
    """Two shorter time lines, where one would pass 2^62 ns."""
    groups = np.unique(group)
    lower = group < groups[groups.size // 2]
    return union_lengths(group[lower], low[lower], high[lower], first, length) + union_lengths(
        group[~lower], low[~lower], high[~lower], first, length
    )
