"""Power law of a cost by size, a + b · n^c, with an interval of the exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rbtrace.statistics.estimates import student_quantile
from rbtrace.statistics.samples import (
    Floats,
    InvalidRunsError,
    Number,
    Runs,
    open_fraction,
    positive_runs,
    same_length,
)

PARAMETERS: Final = 3
LEAST_SIZES: Final = 4
EXPONENTS: Final = (0.02, 5.0)
"""Least and greatest exponent that are tried."""
_GRID: Final = 60
_REFINEMENTS: Final = 6


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """value = a + b · size^c.

    Attributes:
        a: what a size of nothing would cost (unit of the values).
        b: factor of the growth (the same unit).
        c: exponent; 1 is proportional growth.
        c_ci: interval of the exponent; an end at a bound of the search is that bound.
        spread: standard deviation of a value around the law, as a fraction of it.
        sizes: smallest and greatest size measured; beyond them the law is not known to hold.
        confidence: of the intervals.
    """

    a: float
    b: float
    c: float
    c_ci: tuple[float, float]
    spread: float
    sizes: tuple[float, float]
    confidence: float

    def at(self, size: float) -> float:
        """The value the law gives for a size."""
        return float(self.a + self.b * size**self.c)

    @property
    def is_determined(self) -> bool:
        """Whether the measurements rule out any exponent at all."""
        return self.c_ci != EXPONENTS

    @property
    def is_linear(self) -> bool | None:
        """Whether growth is proportional: False if the interval of c excludes 1, else None."""
        low, high = self.c_ci
        return None if low <= 1 <= high else False


class _Lines(NamedTuple):
    """For each of several exponents the best a and b, and the sum of squared relative errors."""

    a: Floats
    b: Floats
    residual: Floats


def fit_power_law(sizes: Runs, values: Runs, *, confidence: Number = 0.95) -> PowerLaw:
    """Fit a + b · n^c by least squares of relative errors.

    For a given c the rest is a straight line, so only c is searched. Its interval holds every c
    with which the squared errors grow by no more than a factor 1 + F(1, N − 3) ÷ (N − 3).

    Args:
        sizes: of each measurement, above 0.
        values: what was measured, above 0, in any one unit.
        confidence: of the interval.

    Raises:
        InvalidRunsError: fewer than four different sizes, or a number is not above 0.
        InvalidParameterError: the confidence is not between 0 and 1.

    Source:
        D. M. Bates, D. G. Watts, Nonlinear Regression Analysis and Its Applications (1988), ch. 6.
    """
    level = open_fraction(confidence, "confidence")
    n, y = positive_runs(sizes, "sizes"), positive_runs(values, "values")
    same_length(n, y, "sizes and values")
    if np.unique(n).size < LEAST_SIZES:
        raise InvalidRunsError(f"a power law needs at least {LEAST_SIZES} different sizes")
    # The scale of sizes and values must not decide how well the sums are conditioned.
    unit, height = math.exp(float(np.log(n).mean())), float(np.median(y))
    relative, scaled = n / unit, y / height
    c = _best_exponent(relative, scaled)
    best = _lines(relative, scaled, np.array([c]))
    a, b, residual = (float(figure[0]) for figure in best)
    df = n.size - PARAMETERS
    # F with one and df degrees of freedom is the square of Student's t.
    t = float(student_quantile((1 + level) / 2, np.asarray(df, np.float64)))
    allowed = residual * (1 + t**2 / df)
    return PowerLaw(
        a=a * height,
        b=b * height / unit**c,
        c=c,
        c_ci=(
            _edge(relative, scaled, c, EXPONENTS[0], allowed),
            _edge(relative, scaled, c, EXPONENTS[1], allowed),
        ),
        spread=math.sqrt(residual / df),
        sizes=(float(n.min()), float(n.max())),
        confidence=level,
    )


def _lines(n: Floats, y: Floats, c: Floats) -> _Lines:
    """The best lines in n^c, for exponents of shape (k,); what is fitted is 1 = (a + b·n^c) ÷ y."""
    level = 1 / y
    slope = n ** c[:, np.newaxis] / y
    # Orthogonal to the level first: for small exponents the two are nearly the same.
    overlap = slope @ level / (level @ level)
    apart = slope - np.outer(overlap, level)
    b = apart.sum(axis=1) / (apart**2).sum(axis=1)
    first = level.sum() / (level @ level)
    errors = 1 - first * level - b[:, np.newaxis] * apart
    return _Lines(first - b * overlap, b, (errors**2).sum(axis=1))


def _best_exponent(n: Floats, y: Floats) -> float:
    low, high = EXPONENTS
    for _ in range(_REFINEMENTS):
        grid = np.geomspace(low, high, _GRID)
        best = int(np.argmin(_lines(n, y, grid).residual))
        low, high = float(grid[max(0, best - 1)]), float(grid[min(_GRID - 1, best + 1)])
    return float(grid[best])


def _edge(n: Floats, y: Floats, inside: float, bound: float, allowed: float) -> float:
    """Where, from the best exponent to a bound, the squared errors exceed what is allowed."""
    outside = bound
    for _ in range(_REFINEMENTS):
        grid = np.geomspace(inside, outside, _GRID)
        exceeds = _lines(n, y, grid).residual > allowed
        exceeds[0] = False
        if not exceeds.any():
            return float(outside)
        first = int(np.argmax(exceeds))
        inside, outside = float(grid[first - 1]), float(grid[first])
    return inside
