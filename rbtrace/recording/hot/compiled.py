"""The compiled part of recording, where this installation has one that agrees with this Python."""

from __future__ import annotations

import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from rbtrace.recording import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import ContextVar


class Compiled(Protocol):
    """What `_fasthot.c` offers."""

    def prepare(
        self,
        cursor: type,
        node: type,
        variable: ContextVar[Any],
        perf_counter_ns: Callable[[], int],
        /,
    ) -> None:
        """Say what the calls will meet: types with slots, the current context, the clock."""

    def quicken(self, call: Callable[..., Any], run: Callable[..., Any] | None = None, /) -> None:
        """Make ordinary calls of the function `call` of `hot.aggregated` run compiled.

        `run` is its target if that comes from `hot._attaching`.
        """

    def is_quick(self, call: Callable[..., Any], /) -> bool:
        """Whether `quicken` was called with it."""

    def hand_on_defaults(self, wrapper: Callable[..., Any], /) -> bool:
        """Let the defaults a wrapper gets go to its `__wrapped__`; False if that is impossible."""

    Tally: type
    """The compiled `tally.PlainTally`."""

    def edges(self, buckets: Mapping[int, int], /) -> tuple[list[float], list[int]]:
        """What `histogram.edges` gives.

        Raises:
            OverflowError: a bucket is beyond the longest that is counted.
        """

    def set_cursor(self, cursor: object, /) -> None:
        """Say that this is the cursor of the calling thread from now on."""

    with_headroom: Callable[..., Any]
    """The compiled ones of `recursion`."""
    inward: Callable[..., Any]
    give: Callable[[], Any]
    take: Callable[[Any], object]
    has_stack: Callable[[], bool]
    may_step: Callable[[], bool]

    def now_ns(self) -> int:
        """The monotonic clock compiled calls read, ns."""


def _load() -> Compiled | None:
    if sys.implementation.name != "cpython" or current.VARIABLE is None:
        return None
    try:
        from rbtrace.recording.hot import _fasthot  # type: ignore[attr-defined]  # noqa: PLC0415
    except ImportError:
        return None
    module: Compiled = _fasthot
    before, theirs, after = perf_counter_ns(), module.now_ns(), perf_counter_ns()
    return module if before <= theirs <= after else None


COMPILED = _load()
"""None where hot calls run in Python."""
