"""Shares of a whole."""

from __future__ import annotations


def share(part: int, whole: int) -> float | None:
    """The part as a fraction of the whole; None when there is nothing to share."""
    return part / whole if whole > 0 else None
