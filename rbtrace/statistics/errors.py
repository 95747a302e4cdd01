"""What is wrong with numbers that no figure can be computed from."""

from __future__ import annotations

from rbtrace.errors import RbtraceError


class InvalidRunsError(RbtraceError, ValueError):
    """Runs that cannot be used: none, not numbers, not finite, not positive, not pairs."""


class InvalidParameterError(RbtraceError, ValueError):
    """A threshold, confidence, probability or other parameter is outside its range."""
