"""Array types of the analyses, and sums that stay exact integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

type Ints = npt.NDArray[np.int64]
type Ids = npt.NDArray[np.uint64]
type Codes = npt.NDArray[np.int32]
type Labels = npt.NDArray[np.int16] | npt.NDArray[np.int32]
"""Codes of what few spans differ in: as narrow as they may be."""
type Mask = npt.NDArray[np.bool_]

_NARROW: Final = 1 << 15
_COUNTED: Final = 4
"""Where there are more possible codes for each that is given, sorting is faster than counting."""


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
    """The codes that occur, in order, and which of them each one is; all are below `count`."""
    if count > _COUNTED * max(1, codes.size):
        return np.unique(codes, return_inverse=True)
    found = occurring(codes, count)
    number = np.zeros(count, np.int64)
    number[found] = np.arange(found.size)
    return found, number[codes]


def starts_of_runs(ordered: npt.NDArray[Any]) -> Ints:
    """Positions at which a sorted array begins a new value."""
    if not ordered.size:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))


def ranks(texts: Sequence[str]) -> Ints:
    """Rank of each text in alphabetical order; the same text has the same rank."""
    rank = {text: number for number, text in enumerate(sorted(set(texts)))}
    return np.array([rank[text] for text in texts], np.int64)
