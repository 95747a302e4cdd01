"""Validation of fields and arguments; errors name the class, the field and the value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from numbers import Real
from typing import Any

from rbtrace.errors import RbtraceError

type Number = float | Decimal
"""A number as the caller has it; it is not converted, so it stays equal to what was given."""


class InvalidFieldError(RbtraceError, ValueError):
    """A field of a dataclass has a value that it may not have."""


def finite(owner: object, field: str) -> Number:
    """Check that a field is a finite number.

    Raises:
        InvalidFieldError: it is not.
    """
    value = getattr(owner, field)
    known = isinstance(value, Real | Decimal) and not isinstance(value, bool)
    if not known or not math.isfinite(value):
        raise _wrong(owner, field, "a finite number")
    number: Number = value
    return number


def positive(owner: object, field: str) -> None:
    """Check that a field is a finite number above 0.

    Raises:
        InvalidFieldError: it is not.
    """
    if finite(owner, field) <= 0:
        raise _wrong(owner, field, "above 0")


def not_negative(owner: object, field: str) -> None:
    """Check that a field is a finite number of at least 0.

    Raises:
        InvalidFieldError: it is not.
    """
    if finite(owner, field) < 0:
        raise _wrong(owner, field, "at least 0")


def at_most(owner: object, field: str, limit: int) -> None:
    """Check that a field is a finite number of at most `limit`.

    Raises:
        InvalidFieldError: it is not.
    """
    if finite(owner, field) > limit:
        raise _wrong(owner, field, f"at most {limit}")


def between_0_and_1(owner: object, field: str) -> None:
    """Check that a field is a number above 0 and below 1.

    Raises:
        InvalidFieldError: it is not.
    """
    if not 0 < finite(owner, field) < 1:
        raise _wrong(owner, field, "above 0 and below 1")


def whole(owner: object, field: str, least: int) -> None:
    """Check that a field is a whole number of at least `least`.

    Raises:
        InvalidFieldError: it is not.
    """
    value = getattr(owner, field)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _wrong(owner, field, f"a whole number of at least {least}")


def text(owner: object, field: str) -> None:
    """Check that a field is a text that is not empty.

    Raises:
        InvalidFieldError: it is not.
    """
    value = getattr(owner, field)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(owner, field, "a text that is not empty")


def function(owner: object, field: str) -> None:
    """Check that a field can be called.

    Raises:
        InvalidFieldError: it cannot.
    """
    if not isinstance(getattr(owner, field), Callable):  # type: ignore[arg-type]
        raise _wrong(owner, field, "a function")


def decimal(owner: object, field: str) -> None:
    """Make a field a Decimal; a float becomes what it prints as.

    Raises:
        InvalidFieldError: it is not a number.
    """
    value = finite(owner, field)
    try:
        object.__setattr__(owner, field, Decimal(str(value)))
    except InvalidOperation:
        raise _wrong(owner, field, "a decimal number") from None


def sequence(owner: object, field: str, kind: type) -> None:
    """Make a field a tuple whose items are all of one kind.

    Raises:
        InvalidFieldError: it is not iterable or an item is of another kind.
    """
    value: Any = getattr(owner, field)
    items = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else None
    if items is None or not all(isinstance(item, kind) for item in items):
        raise _wrong(owner, field, f"a sequence of {kind.__name__}")
    object.__setattr__(owner, field, items)


def _wrong(owner: object, field: str, wanted: str) -> InvalidFieldError:
    value = getattr(owner, field)
    return InvalidFieldError(f"{type(owner).__name__}.{field} must be {wanted}, not {value!r}")


def window(length: int, least: int = 1) -> None:
    """Check the length of a window.

    Raises:
        InvalidFieldError: it is not a whole number of at least `least`.
    """
    if not isinstance(length, int) or isinstance(length, bool) or length < least:
        raise InvalidFieldError(f"a window must be at least {least} long, not {length!r}")


def equally_long(*columns: Sequence[Any]) -> None:
    """Check that columns go together row by row.

    Raises:
        InvalidFieldError: they do not.
    """
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise InvalidFieldError(f"columns must be equally long, not {lengths}")
