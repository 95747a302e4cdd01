"""Several changes after one another: their ratios multiply, percentages never add."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rbtrace.statistics.samples import Runs, positive_runs


@dataclass(frozen=True, slots=True)
class Compounded:
    """What several changes amount to.

    Attributes:
        ratio: last state ÷ first state, the product of the ratios.
        improvement: 1 − ratio, per cent.
        speedup: first state ÷ last state.
        geometric_mean: of the ratios, the ratio of a typical step.
    """

    ratio: float
    improvement: float
    speedup: float
    geometric_mean: float


def compound(ratios: Runs) -> Compounded:
    """Multiply the ratios (each state ÷ the state before it).

    Raises:
        InvalidRunsError: there are none, or one is not a finite number above 0.

    Source:
        P. J. Fleming, J. J. Wallace, How not to lie with statistics, CACM 29 (1986) 218–221.
    """
    steps = positive_runs(ratios, "ratios")
    product = math.prod(steps.tolist())
    return Compounded(
        ratio=product,
        improvement=100 * (1 - product),
        speedup=1 / product,
        geometric_mean=math.exp(math.fsum(math.log(step) for step in steps) / steps.size),
    )
