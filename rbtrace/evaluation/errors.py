"""What can be wrong with an evaluation."""

from __future__ import annotations

from typing import ClassVar

from rbtrace.errors import EXIT_GATE_FAILED, RbtraceError


class InvalidFieldError(RbtraceError, ValueError):
    """A field of a dataclass has a value that it may not have."""


class NotEquivalentError(RbtraceError, AssertionError):
    """A candidate does not do what its baseline does; the message shows where."""

    exit_code: ClassVar[int] = EXIT_GATE_FAILED
