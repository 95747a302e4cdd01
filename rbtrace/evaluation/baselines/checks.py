"""What every baseline checks of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rbtrace.evaluation.errors import InvalidFieldError


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
