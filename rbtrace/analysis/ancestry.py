"""Ancestors in a forest of parent indices, in logarithmic rounds instead of recursion.

Every function doubles its pointers: after k rounds a row has looked 2^k generations up. A chain
of a hundred thousand nested spans takes 17 rounds and no stack. Parents are row indices; -1 means
that a row is a root.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask

NO_PARENT: Final = -1


def depths(parent: Codes) -> tuple[Codes, Codes]:
    """Count the ancestors of every row.

    Returns:
        The number of ancestors of each row, and the rows that lie on a cycle of parent links. If
        there is a cycle the depths of the rows on and below it mean nothing.
    """
    size = parent.size
    depth = (parent != NO_PARENT).astype(np.int32)
    ancestor = parent.copy()
    active = np.flatnonzero(ancestor != NO_PARENT)
    for _ in range(size.bit_length() + 1):
        if not active.size:
            return depth, np.zeros(0, np.int32)
        above = ancestor[active]
        depth[active] += depth[above]
        ancestor[active] = ancestor[above]
        active = active[ancestor[active] != NO_PARENT]
    # More than `size` generations up and still no root: the ancestors reached are on cycles.
    return depth, np.unique(ancestor[active])


def family_ranges(parent: Codes, rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of at least `rows` rows, so that parents and children are in the same range."""
    position = np.arange(parent.size, dtype=np.int32)
    above = np.where(parent == NO_PARENT, position, parent)
    latest = np.maximum.accumulate(np.maximum(above, position))
    earliest = np.minimum.accumulate(np.minimum(above, position)[::-1])[::-1]
    # A range may end after a row if no row up to it has its parent later, and no later row has
    # its parent up to it.
    last = np.flatnonzero((latest == position)[:-1] & (earliest[1:] > position[:-1])) + 1
    last = np.append(last, parent.size)
    first = 0
    while first < parent.size:
        last_of_range = int(np.searchsorted(last, first + rows))
        end = int(last[min(last_of_range, last.size - 1)])
        yield first, end
        first = end


def cut_cycles(parent: Codes, on_cycle: Codes, start: Ints, span_id: Ids) -> Codes:
    """Make one row of every cycle a root: the earliest, of these the one with the smallest id.

    Returns:
        The rows that became roots; `parent` is changed in place.
    """
    waiting = set(on_cycle.tolist())
    cut = []
    while waiting:
        cycle = [waiting.pop()]
        while (above := int(parent[cycle[-1]])) in waiting:
            waiting.discard(above)
            cycle.append(above)
        cut.append(min(cycle, key=lambda row: (int(start[row]), int(span_id[row]))))
    rows = np.array(cut, np.int32)
    parent[rows] = NO_PARENT
    return rows


def nearest(parent: Codes, passed_over: Mask) -> Codes:
    """Find the nearest ancestor of every row that is not passed over, or -1.

    Args:
        parent: parent row of each row.
        passed_over: rows that do not count as ancestors.
    """
    if not passed_over.any():
        return parent
    # What a row stands for: itself, or, when it is passed over, what its parent stands for.
    stands_for = np.where(passed_over, parent, np.arange(parent.size, dtype=np.int32))
    active = np.flatnonzero(passed_over & (parent != NO_PARENT))
    while active.size:
        stands_for[active] = stands_for[stands_for[active]]
        above = stands_for[active]
        active = active[(above != NO_PARENT) & passed_over[above]]
    return np.where(parent == NO_PARENT, NO_PARENT, stands_for[parent]).astype(np.int32)


def greatest_above[T: np.integer[Any]](parent: Codes, values: npt.NDArray[T]) -> npt.NDArray[T]:
    """For every row, the greatest of its own value and those of all its ancestors."""
    greatest = values.copy()
    ancestor = parent.copy()
    active = np.flatnonzero(ancestor != NO_PARENT)
    while active.size:
        above = ancestor[active]
        greatest[active] = np.maximum(greatest[active], greatest[above])
        ancestor[active] = ancestor[above]
        active = active[ancestor[active] != NO_PARENT]
    return greatest
