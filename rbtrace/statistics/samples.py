"""Samples, one figure per run, and parameters, validated before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from numbers import Real

import numpy as np
import numpy.typing as npt

from rbtrace.errors import RbtraceError

type Floats = npt.NDArray[np.float64]
type Number = float | Decimal
type Runs = Iterable[float] | npt.NDArray[np.float64] | npt.NDArray[np.int64]
"""One figure per run: a duration (ns or s), a count, a size; in any one unit."""


class InvalidRunsError(RbtraceError, ValueError):
    """Runs that cannot be used: none, not numbers, not finite, not positive, not pairs."""


class InvalidParameterError(RbtraceError, ValueError):
    """A threshold, confidence, probability or other parameter is outside its range."""


def positive_runs(values: Runs, what: str) -> Floats:
    """The runs of one arm as an array of shape (runs,).

    Raises:
        InvalidRunsError: there are none, or one is not a finite number above 0.
    """
    runs = finite_runs(values, what)
    if runs.min() <= 0:
        least = int(np.argmin(runs))
        raise InvalidRunsError(f"{what}: run {least + 1} is {runs[least]:g}; it must be above 0")
    return runs


def finite_runs(values: Runs, what: str) -> Floats:
    """The same, where 0 and less may be.

    Raises:
        InvalidRunsError: there are none, or one is not a finite number.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidRunsError(f"{what} must be a sequence of numbers, one per run")
    runs = np.array([_finite(value, f"{what}: run {n}") for n, value in enumerate(values, 1)])
    if not runs.size:
        raise InvalidRunsError(f"{what} has no runs")
    return runs


def _finite(value: object, where: str) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | Decimal):
        raise InvalidRunsError(f"{where} is {value!r}; it must be a number")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise InvalidRunsError(f"{where} is {value}; it must be a finite number")
    return number


def run_medians(spans: Iterable[Runs], what: str = "spans") -> list[float]:
    """The median span of each run, to be compared where the typical call is asked for.

    Spans of one run resemble each other, so they are no sample of their own: the run stays the
    unit.

    Args:
        spans: of each run, the durations of its spans (any unit).
        what: how errors call them.

    Raises:
        InvalidRunsError: a run has no spans, or a duration is not a finite number above 0.
    """
    return [
        float(np.median(positive_runs(run, f"{what} of run {n}"))) for n, run in enumerate(spans, 1)
    ]


def same_length(first: Floats, second: Floats, what: str) -> None:
    """Check that two arrays go together one by one.

    Raises:
        InvalidRunsError: they do not.
    """
    if first.size != second.size:
        raise InvalidRunsError(f"{what} must be equally many, not {first.size} and {second.size}")


def open_fraction(value: Number, what: str) -> float:
    """A number strictly between 0 and 1.

    Raises:
        InvalidParameterError: it is not.
    """
    fraction = parameter(value, what)
    if not 0 < fraction < 1:
        raise InvalidParameterError(f"{what} must be between 0 and 1, not {value}")
    return fraction


def probability(value: Number, what: str) -> float:
    """A number from 0 to 1.

    Raises:
        InvalidParameterError: it is not.
    """
    number = parameter(value, what)
    if not 0 <= number <= 1:
        raise InvalidParameterError(f"{what} must be from 0 to 1, not {value}")
    return number


def percentage(value: Number, what: str, *, below: float = float("inf")) -> float:
    """A percentage that is at least 0 and less than `below`.

    Raises:
        InvalidParameterError: it is not.
    """
    number = parameter(value, what)
    if not 0 <= number < below:
        limit = "" if below == float("inf") else f" and below {below:g}"
        raise InvalidParameterError(
            f"{what} must be a percentage of at least 0{limit}, not {value}"
        )
    return number


def parameter(value: Number, what: str) -> float:
    """A finite number.

    Raises:
        InvalidParameterError: it is not.
    """
    try:
        return _finite(value, what)
    except InvalidRunsError as problem:
        raise InvalidParameterError(str(problem)) from None
