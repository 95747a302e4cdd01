"""Our span processor: knows which spans are open in this process, and hands on those that end.

One instance serves one tracer provider. Under a provider of the program's own, whose resource
cannot change, it stamps run id, arm and pid on the spans themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import Span, SpanProcessor

from rbtrace.conventions import THREAD_ID
from rbtrace.errors import warn_once
from rbtrace.recording.export import greenlets
from rbtrace.recording.export.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.util.types import AttributeValue

    from rbtrace.recording.export.pipeline import Pipeline


class OpenSpan(NamedTuple):
    """A span this process has started and not ended."""

    span: Span
    thread: int
    is_local_root: bool
    stamp: Mapping[str, AttributeValue]


class RbtraceSpanProcessor(SpanProcessor):
    """Feeds a `Pipeline` from one provider. `active = False` makes it inert (uninstrument)."""

    def __init__(self, pipeline: Pipeline, stamp: Mapping[str, AttributeValue]) -> None:
        self._pipeline = pipeline
        self.stamp = stamp
        self.active = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember the span as open, and where it started."""
        if not self.active or not span.context.trace_flags.sampled:
            return
        thread = greenlets.ident()
        Span.set_attribute(span, THREAD_ID, thread)  # known values need no guard
        for key, value in self.stamp.items():
            Span.set_attribute(span, key, value)
        context = get_current() if parent_context is None else parent_context
        try:
            if self._pipeline.is_of_this_process:
                self._pipeline.span_started(span, thread, context, self.stamp)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("start of a span", f"{span.name} is not traced: {problem!r}")

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on the span and the summaries of its calls."""
        context = span.context
        if context is None:
            return
        try:
            self._pipeline.span_ended(span, context.span_id)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("end of a span", f"{span.name} is not traced: {problem!r}")

    def shutdown(self) -> None:
        """The program shut its provider down: deliver what there is."""
        self._pipeline.flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the interface
        """Deliver what there is."""
        self._pipeline.flush()
        return True


class OpenSpans:
    """The open spans of this process by span id.

    A span inherited over a fork is not among them, so a child never ends, reports or counts it.
    """

    def __init__(self) -> None:
        self._spans: dict[int, OpenSpan] = {}

    def add(
        self, span: Span, thread: int, *, is_local_root: bool, stamp: Mapping[str, AttributeValue]
    ) -> None:
        """Remember a span that started."""
        self._spans[span.context.span_id] = OpenSpan(span, thread, is_local_root, stamp)

    def remove(self, span_id: int) -> OpenSpan | None:
        """Forget a span that ended; None if it is not one of ours."""
        return self._spans.pop(span_id, None)

    def get(self, span_id: int) -> OpenSpan | None:
        """The open span of that id."""
        return self._spans.get(span_id)

    def __len__(self) -> int:
        return len(self._spans)

    def records(self) -> list[Record]:
        """The open spans as they stand, for the file of open spans."""
        return [Record(entry.span, entry.stamp) for entry in list(self._spans.values())]
