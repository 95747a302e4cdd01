"""What goes to the exporters: finished SDK spans, and summaries made of the same public class."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.util.types import AttributeValue


class Record(NamedTuple):
    """A span ready for export, and the attributes only our own exporters add to it."""

    span: ReadableSpan
    extra: Mapping[str, AttributeValue]


class Aggregates(Protocol):
    """Who holds the call trees of open spans: `rbtrace.recording` gives it to the processor."""

    def span_started(self, span: ReadableSpan, context: Context) -> bool:
        """A span started in this thread and context; say whether inside a call of this process."""
        ...

    def span_ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """A span of this process ended: close its trees and give their summaries."""
        ...

    def so_far(self) -> Iterable[ReadableSpan]:
        """Summaries of all open trees as they stand, calls in progress included."""
        ...

    def finish(self, is_over: Callable[[int], bool]) -> list[ReadableSpan]:
        """Close the trees no span closes, of the threads that are over."""
        ...

    def forget(self) -> None:
        """Drop everything without reporting it (in the child after a fork)."""
