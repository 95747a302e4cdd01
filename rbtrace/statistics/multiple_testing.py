"""Multiple testing without more false alarms: adjusted p-values, and interim analyses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from rbtrace.statistics.samples import (
    Floats,
    InvalidParameterError,
    Number,
    open_fraction,
    probability,
)

PLANNED_LOOKS: Final = (10, 20, 30)


def holm(p: Iterable[float]) -> list[float]:
    """Adjusted p-values that bound the chance of one false alarm among all questions.

    Verdicts over many operations use these.

    Args:
        p: raw p-values, in any order.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InvalidParameterError: a p-value is not from 0 to 1.

    Source:
        S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
    """
    raw, order = _ascending(p)
    remaining = raw.size - np.arange(raw.size)
    stepped = np.maximum.accumulate(raw[order] * remaining)
    return _in_place(stepped, order)


def benjamini_hochberg(p: Iterable[float]) -> list[float]:
    """Adjusted p-values that bound the expected fraction of false alarms among the alarms.

    For looking around, where a few false leads cost little; never for a verdict.

    Args:
        p: raw p-values, in any order.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InvalidParameterError: a p-value is not from 0 to 1.

    Source:
        Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289–300.
    """
    raw, order = _ascending(p)
    scaled = raw[order] * raw.size / np.arange(1, raw.size + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_place(stepped, order)


def _ascending(p: Iterable[float]) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    raw = np.array([probability(value, f"p-value {n}") for n, value in enumerate(p, 1)], float)
    return raw, np.argsort(raw, kind="stable")


def _in_place(stepped: Floats, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[float]:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]


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
    _check_increasing(looks)
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


def _check_increasing(looks: Sequence[int]) -> None:
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
    density: Floats = np.exp(-(distance**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    return density
