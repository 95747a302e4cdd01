"""Ending early without fooling oneself: looks that are planned, with bounds for each.

Whoever looks after every pair and stops at the first p below 0.05 finds differences between
identical arms far more often than one time in twenty. `rbtrace.statistics.o_brien_fleming` gives
the bounds with which it is one in twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace.statistics import InvalidParameterError, o_brien_fleming

ALPHA: Final = 0.05


def parse_looks(text: str) -> list[int]:
    """Numbers of pairs as the command line takes them: `10,20,30`.

    Raises:
        InvalidParameterError: they are not increasing whole numbers from 2 on.
    """
    try:
        looks = [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidParameterError(
            f"--until {text} is not understood: give numbers of pairs, such as 10,20,30"
        ) from None
    o_brien_fleming(looks, ALPHA)
    return looks


def alpha_at(looks: Sequence[int], pairs: int) -> float:
    """The greatest p that counts after a number of pairs.

    Between two looks that was never planned to be asked: the strictest bound counts.
    """
    if not looks:
        return ALPHA
    bounds = {look.runs: look.p_value for look in o_brien_fleming(looks, ALPHA)}
    return bounds.get(pairs, min(bounds.values()))
