"""Looking at the data more than once without being fooled more often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from rbtrace.statistics.errors import InvalidParameterError
from rbtrace.statistics.samples import Floats, Number, open_fraction

PLANNED_LOOKS: Final = (10, 20, 30)


@dataclass(frozen=True, slots=True)
class Look:
    """One planned look at the data.

    Attributes:
        runs: pairs (or runs for each arm) that there are by then.
        p_value: stop and decide if p is below this.
    """

    runs: int
    p_value: float

    @property
    def confidence(self) -> float:
        """What to give `compare_runs` at this look: its interval and verdict then hold."""
        return 1 - self.p_value


def o_brien_fleming(looks: Sequence[int] = PLANNED_LOOKS, alpha: Number = 0.05) -> tuple[Look, ...]:
    """The p-values to ask for at each look, so that all looks together err with chance alpha.

    Strict at first, nearly alpha at last: 0.0005, 0.0141 and 0.0451 at 10, 20 and 30.

    Args:
        looks: runs at each look, planned before the first, increasing.
        alpha: chance of finding something in equal arms at any of the looks.

    Raises:
        InvalidParameterError: the looks do not increase from 2 or more, or alpha is not between
            0 and 1.

    Source:
        P. C. O'Brien, T. R. Fleming, Biometrics 35 (1979) 549–556; computed by the recursion of
        P. Armitage, C. K. McPherson, B. C. Rowe, JRSS A 132 (1969) 235–244.
    """
    from scipy import optimize, special  # noqa: PLC0415 - heavy

    chance = open_fraction(alpha, "alpha")
    _check(looks)
    times = np.array(looks, np.float64) / looks[-1]
    # No lower than for the last look alone, no higher than if the looks were independent.
    least, most = -special.ndtri(chance / 2), -special.ndtri(chance / (2 * len(looks)))
    bound: float = optimize.brentq(
        lambda height: 1 - _chance_within(float(height), times) - chance,
        0.99 * least,
        1.01 * most,
        xtol=1e-9,
    )
    return tuple(
        Look(runs, math.erfc(bound / math.sqrt(2 * time)))
        for runs, time in zip(looks, times, strict=True)
    )


def _check(looks: Sequence[int]) -> None:
    increasing = all(later > earlier for earlier, later in pairwise(looks))
    if not looks or looks[0] < 2 or not increasing:
        raise InvalidParameterError(
            f"looks must be increasing numbers of runs from 2 on, not {list(looks)}"
        )


def _chance_within(bound: float, times: Floats) -> float:
    """Chance that Brownian motion is within ±bound at each of the times."""
    # Nodes closer together than the standard deviation of the shortest step.
    number = int(np.clip(12 / np.sqrt(np.diff(times, prepend=0).min()), 48, 400))
    nodes, weights = np.polynomial.legendre.leggauss(number)  # type: ignore[no-untyped-call]
    places, weights = nodes * bound, weights * bound
    density = _normal(places, times[0])
    for step in np.diff(times):
        density = _normal(places[:, None] - places, step) @ (weights * density)
    return float(weights @ density)


def _normal(distance: Floats, variance: float) -> Floats:
    found: Floats = np.exp(-(distance**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    return found
