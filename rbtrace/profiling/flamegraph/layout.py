"""Where the boxes of a flame graph are: whole millionths of the width, exact on every level.

The children of a box share its width in proportion to their times, the rest is its own time.
Rounding goes by largest remainder, so boxes never overlap and never leave a gap of their making.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import apportion
from rbtrace.profiling.flamegraph.calltree import Call

WIDTH: Final = 1_000_000


class Box(NamedTuple):
    """A call, its level (0 is the root), and its left edge and width in millionths."""

    call: Call
    level: int
    left: int
    width: int


def boxes(top: Call, narrowest: int) -> Iterator[Box]:
    """The boxes at least as wide as that, parents before children.

    A call with no time of its own (it is only in the profile compared with) has none.
    """
    pending = [Box(top, 0, 0, WIDTH)]
    while pending:
        box = pending.pop()
        yield box
        children = [child for child in box.call.ordered() if child.total_ns]
        left = box.left
        inside = []
        for child, width in zip(children, _widths(box, children), strict=True):
            if width >= narrowest:
                inside.append(Box(child, box.level + 1, left, width))
            left += width
        pending += reversed(inside)


def _widths(box: Box, children: list[Call]) -> list[int]:
    times = np.array([child.total_ns for child in children], np.int64)
    if not times.size:
        return []
    shared: list[int] = apportion(
        np.array([box.width], np.int64),
        np.array([box.call.self_ns], np.int64),
        times,
        np.zeros(1, np.int64),
    ).tolist()
    return shared
