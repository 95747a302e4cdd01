"""How much two numbers may differ and still agree."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rbtrace.evaluation import fields
from rbtrace.evaluation.fields import Number


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
        fields.not_negative(self, "relative")
        fields.not_negative(self, "absolute")

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
