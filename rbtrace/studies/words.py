"""How the studies write what several of them have to say."""

from __future__ import annotations

from rbtrace.reporting.numbers import ratio
from rbtrace.statistics import Comparison


def interval_of(found: Comparison | None) -> str:
    """The interval of a ratio; a dash where there is none."""
    if found is None or found.ci is None:
        return "–"
    return " … ".join(ratio(end) for end in found.ci)


def ratio_in_words(found: Comparison) -> str:
    """A ratio, and its interval if there is one: `1.93 (95 %: 1.88 … 1.98)`."""
    told = ratio(found.ratio)
    return told if found.ci is None else f"{told} (95 %: {interval_of(found)})"


def workers_in_words(number: int) -> str:
    """`1 worker`, `2 workers`."""
    return "1 worker" if number == 1 else f"{number} workers"
