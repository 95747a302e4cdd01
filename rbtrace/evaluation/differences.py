"""Comparison of two results of any type: the first difference beyond a tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rbtrace.evaluation import validation
from rbtrace.evaluation.validation import Number

_LONG: Final = 80


@dataclass(frozen=True)
class Tolerance:
    """What counts as the same result. Not-a-number agrees with not-a-number.

    Attributes:
        relative: allowed difference as a fraction of the expected number.
        absolute: allowed difference; the larger of both counts.
        same_type: types of values, containers and arrays have to be the same too.

    Raises:
        InvalidFieldError: a tolerance is negative or not a finite number.
    """

    relative: Number = 0
    absolute: Number = 0
    same_type: bool = True

    def __post_init__(self) -> None:
        validation.not_negative(self, "relative")
        validation.not_negative(self, "absolute")

    def agree(self, expected: Any, actual: Any) -> bool:
        """Whether two numbers agree; Decimals are compared as Decimals."""
        if isinstance(expected, Decimal) and isinstance(actual, Decimal):
            return self._decimals_agree(expected, actual)
        if expected == actual:
            return True
        if not self.relative and not self.absolute:
            return bool(expected != expected and actual != actual)  # noqa: PLR0124 - both NaN
        return bool(self.agreeing(np.asarray(float(expected)), np.asarray(float(actual))))

    def agreeing(self, expected: npt.NDArray[Any], actual: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Where two arrays of numbers of one shape agree."""
        same = np.asarray(expected == actual)
        if not (np.issubdtype(expected.dtype, np.inexact) or self.relative or self.absolute):
            return same
        with np.errstate(invalid="ignore", over="ignore"):
            allowed = np.maximum(float(self.absolute), float(self.relative) * np.abs(expected))
            close = (np.abs(actual - expected) <= allowed) & np.isfinite(expected)
        return np.asarray(same | close | (np.isnan(expected) & np.isnan(actual)))

    def _decimals_agree(self, expected: Decimal, actual: Decimal) -> bool:
        if expected.is_nan() or actual.is_nan():
            return expected.is_nan() and actual.is_nan()
        if expected.is_infinite() or actual.is_infinite():
            return expected == actual
        allowed = max(Decimal(str(self.absolute)), Decimal(str(self.relative)) * abs(expected))
        return abs(actual - expected) <= allowed


EXACT: Final = Tolerance()
"""Same types, same numbers to the last bit or digit."""


@dataclass(frozen=True)
class Difference:
    """The first place where two results differ.

    Attributes:
        place: how to reach it, such as `result['close'][3]`.
        expected: what the baseline has there.
        actual: what the candidate has there.
    """

    place: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, got {self.actual}"


def difference(
    expected: Any, actual: Any, tolerance: Tolerance = EXACT, *, place: str = "result"
) -> Difference | None:
    """Compare numbers, Decimals, texts, containers, arrays and frames, whatever is in them.

    Frames are those of pandas and polars: columns and index have to agree, too.

    Args:
        expected: what the baseline gave.
        actual: what the candidate gave.
        tolerance: what counts as the same.
        place: how the message calls the whole.

    Returns:
        The first difference, in reading order; None if there is none.
    """
    if tolerance.same_type and type(expected) is not type(actual):
        return _differ(place, _typed(expected), _typed(actual))
    if _is_frame(expected) and _is_frame(actual):
        return _frames(expected, actual, tolerance, place)
    if _is_array(expected) or _is_array(actual):
        return _arrays(_array(expected), _array(actual), tolerance, place)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return _mappings(expected, actual, tolerance, place)
    if _is_sequence(expected) and _is_sequence(actual):
        return _sequences(expected, actual, tolerance, place)
    return None if _same(expected, actual, tolerance) else _differ(place, expected, actual)


def _same(expected: Any, actual: Any, tolerance: Tolerance) -> bool:
    if isinstance(expected, Real | Decimal) and isinstance(actual, Real | Decimal):
        return tolerance.agree(expected, actual)
    return bool(expected is actual or expected == actual or _both_missing(expected, actual))


def _both_missing(expected: Any, actual: Any) -> bool:
    """Whether both differ from themselves, as NaN, NaT and the like do."""
    try:
        return bool(expected != expected and actual != actual)  # noqa: PLR0124
    except TypeError:  # pandas.NA is neither
        return False


def _mappings(
    expected: Mapping[Any, Any], actual: Mapping[Any, Any], tolerance: Tolerance, place: str
) -> Difference | None:
    for key, value in expected.items():
        inside = f"{place}[{key!r}]"
        if key not in actual:
            return Difference(inside, _shown(value), "nothing")
        first = difference(value, actual[key], tolerance, place=inside)
        if first is not None:
            return first
    for key in actual:
        if key not in expected:
            return Difference(f"{place}[{key!r}]", "nothing", _shown(actual[key]))
    return None


def _sequences(
    expected: Sequence[Any], actual: Sequence[Any], tolerance: Tolerance, place: str
) -> Difference | None:
    for number, (left, right) in enumerate(zip(expected, actual, strict=False)):
        first = difference(left, right, tolerance, place=f"{place}[{number}]")
        if first is not None:
            return first
    if len(expected) != len(actual):
        return Difference(place, f"{len(expected)} items", f"{len(actual)} items")
    return None


def _arrays(
    expected: npt.NDArray[Any], actual: npt.NDArray[Any], tolerance: Tolerance, place: str
) -> Difference | None:
    if tolerance.same_type and not _same_dtype(expected.dtype, actual.dtype):
        return Difference(place, f"dtype {expected.dtype}", f"dtype {actual.dtype}")
    if expected.shape != actual.shape:
        return Difference(place, f"shape {expected.shape}", f"shape {actual.shape}")
    numeric = all(np.issubdtype(array.dtype, np.number) for array in (expected, actual))
    if numeric:
        wrong = np.flatnonzero(~tolerance.agreeing(expected, actual))[:1]
    else:
        pairs = zip(expected.ravel().tolist(), actual.ravel().tolist(), strict=True)
        wrong = np.array(
            [n for n, pair in enumerate(pairs) if difference(*pair, tolerance) is not None][:1],
            np.intp,
        )
    if not wrong.size:
        return None
    at = np.unravel_index(int(wrong[0]), expected.shape)
    inside = f"{place}[{', '.join(str(int(index)) for index in at)}]"
    return _differ(inside, expected[at], actual[at])


def _same_dtype(expected: np.dtype[Any], actual: np.dtype[Any]) -> bool:
    """Whether two types are the same; arrays of texts may have different widths."""
    return expected == actual or (expected.kind == actual.kind and expected.kind in "US")


def _frames(expected: Any, actual: Any, tolerance: Tolerance, place: str) -> Difference | None:
    for part in ("columns", "index"):
        if hasattr(expected, part) and hasattr(actual, part):
            left, right = (np.asarray(getattr(frame, part)) for frame in (expected, actual))
            first = _arrays(left, right, tolerance, f"{place}.{part}")
            if first is not None:
                return first
    for column in expected.columns:
        left, right = _column(expected, column), _column(actual, column)
        first = _arrays(left, right, tolerance, f"{place}[{column!r}]")
        if first is not None:
            return first
    return None


def _column(frame: Any, name: Any) -> npt.NDArray[Any]:
    return np.asarray(frame[name].to_numpy())


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def _is_array(value: Any) -> bool:
    """Whether it is an array, or a column or index of a frame."""
    return isinstance(value, np.ndarray) or (hasattr(value, "to_numpy") and not _is_frame(value))


def _array(value: Any) -> npt.NDArray[Any]:
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _differ(place: str, expected: Any, actual: Any) -> Difference:
    return Difference(place, _shown(expected), _shown(actual))


def _typed(value: Any) -> str:
    return f"{_shown(value)} ({type(value).__name__})"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
