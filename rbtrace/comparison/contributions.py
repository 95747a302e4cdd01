"""Which operations explain a change of the total: a decomposition without a rest.

An operation's contribution is the change of its time, divided by the logarithmic mean of both
totals, L(x, y) = (x − y) ÷ ln(x ÷ y), L(x, x) = x. Its sum over all operations is the logarithm of
the ratio of the totals, exactly, also with operations that only one arm has. (The additive
logarithmic mean Divisia index: Ang, Zhang and Choi, Energy 23, 1998, 489–495.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product


def logarithmic_mean(x: float, y: float) -> float:
    """The logarithmic mean of two positive numbers; it lies between them."""
    if x == y:
        return x
    # Near 1 the logarithm of the ratio has few digits; log1p of the difference keeps them.
    near = 0.5 < x / y < 2
    return (x - y) / (math.log1p((x - y) / y) if near else math.log(x / y))


def contributions(
    baseline: Sequence[Mapping[str, float]],
    candidate: Sequence[Mapping[str, float]],
    *,
    paired: bool,
) -> dict[str, float]:
    """Contribution of each operation to the mean log ratio of the totals.

    Args:
        baseline: time by operation, for each run; every total is positive.
        candidate: the same for the other arm.
        paired: whether runs at the same place belong together; else every combination counts.

    Returns:
        By operation; they sum to the mean over pairs (or combinations) of ln(total of candidate ÷
        total of baseline).
    """
    pairs: Iterable[tuple[Mapping[str, float], Mapping[str, float]]]
    pairs = zip(baseline, candidate, strict=True) if paired else product(baseline, candidate)
    parts: dict[str, list[float]] = {}
    number = 0
    for before, after in pairs:
        number += 1
        mean = logarithmic_mean(math.fsum(after.values()), math.fsum(before.values()))
        for name in before.keys() | after.keys():
            change = after.get(name, 0.0) - before.get(name, 0.0)
            parts.setdefault(name, []).append(change / mean)
    return {name: math.fsum(changes) / number for name, changes in parts.items()}
