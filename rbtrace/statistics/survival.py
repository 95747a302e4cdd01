"""Survival analysis of times until a target, with runs that never reach it as censored."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rbtrace.statistics.samples import InvalidRunsError

if TYPE_CHECKING:
    from scipy.stats import CensoredData


@dataclass(frozen=True, slots=True)
class Times:
    """When each of several runs reached something, or until when it was watched in vain.

    Attributes:
        values: of each run, in any unit, greater than 0.
        reached: whether it got there at that time; otherwise it is censored then.

    Raises:
        InvalidRunsError: there is no run, or a time that is none.
    """

    values: Sequence[float]
    reached: Sequence[bool]

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.reached):
            raise InvalidRunsError("times need a run, and each whether it got there")
        if not all(0 < value < float("inf") for value in self.values):
            raise InvalidRunsError("times have to be greater than 0, and finite")

    @property
    def events(self) -> int:
        """How many runs got there."""
        return sum(self.reached)

    def censored(self) -> CensoredData:
        """As scipy has it."""
        from scipy.stats import CensoredData  # noqa: PLC0415 - heavy

        pairs = list(zip(self.values, self.reached, strict=True))
        return CensoredData(
            uncensored=[value for value, there in pairs if there],
            right=[value for value, there in pairs if not there],
        )


@dataclass(frozen=True, slots=True)
class MedianTime:
    """The median of times, by Kaplan and Meier.

    Attributes:
        value: when half got there; None if fewer than half did.
        ci: its interval; an end is None where the runs do not bound it.
    """

    value: float | None
    ci: tuple[float | None, float | None]


def median_time(times: Times, *, confidence: float = 0.95) -> MedianTime:
    """When half of the runs would have got there, had all been watched long enough.

    The interval holds the times at which the pointwise interval of the Kaplan-Meier curve, on the
    log-log scale, holds one half.

    Source:
        E. L. Kaplan and P. Meier, JASA 53 (1958) 457–481; R. Brookmeyer and J. Crowley, Biometrics
        38 (1982) 29–41.
    """
    from scipy.stats import ecdf  # noqa: PLC0415 - heavy

    if not times.events:
        return MedianTime(None, (None, None))
    with _without_warnings():
        curve = ecdf(times.censored()).sf
        bounds = curve.confidence_interval(confidence, method="log-log")
    ends = [_first(bound.quantiles, bound.probabilities) for bound in (bounds.low, bounds.high)]
    return MedianTime(_first(curve.quantiles, curve.probabilities), (ends[0], ends[1]))


def logrank(first: Times, other: Times) -> float | None:
    """Two-sided p that both get there equally fast; None where no run of either got there.

    Source:
        N. Mantel, Cancer Chemotherapy Reports 50 (1966) 163–170.
    """
    from scipy import stats  # noqa: PLC0415 - heavy

    with _without_warnings():
        p = float(stats.logrank(first.censored(), other.censored()).pvalue)
    return None if np.isnan(p) else p


def _first(times: Sequence[float], heights: Sequence[float]) -> float | None:
    """Where a falling curve is first at one half or below; rounding does not count."""
    there = (x for x, y in zip(times, heights, strict=True) if y <= 0.5 + 1e-12)
    return next((float(x) for x in there), None)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Undefined figures are told apart by their values."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
