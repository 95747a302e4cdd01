"""Ending early without fooling oneself: three planned looks with O'Brien–Fleming bounds.

Whoever looks after every pair and stops at the first p below 0.05 finds a difference between
identical arms three times as often as one in twenty. With three looks, equally far apart, and these
greatest p, it is one in twenty (O'Brien and Fleming, Biometrics 35, 1979, 549–556; the bounds are
those of two-sided z of 3.471, 2.454 and 2.004).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace.errors import RbtraceError

ALPHA: Final = 0.05
BOUNDS: Final = (0.0005, 0.0141, 0.0451)


def parse_looks(text: str) -> list[int]:
    """Numbers of pairs as the command line takes them: `10,20,30`.

    Raises:
        RbtraceError: they are not three numbers, equally far apart.
    """
    try:
        looks = [int(part) for part in text.split(",")]
    except ValueError:
        looks = []
    if len(looks) != len(BOUNDS) or looks[0] < 1 or looks != [looks[0] * n for n in (1, 2, 3)]:
        raise RbtraceError(
            f"--until {text} is not understood: give three numbers of pairs, equally far apart, "
            "such as 10,20,30 (the bounds hold for these only)"
        )
    return looks


def alpha_at(looks: Sequence[int], pairs: int) -> float:
    """The greatest p that counts after a number of pairs.

    Between two looks that was never planned to be asked: the strictest bound counts.
    """
    if not looks:
        return ALPHA
    return dict(zip(looks, BOUNDS, strict=True)).get(pairs, BOUNDS[0])
