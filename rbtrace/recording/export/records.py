"""What goes to the exporters: finished SDK spans, and summaries made of the same public class."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from rbtrace.recording.export.values import attributes_of, name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue

    from rbtrace.recording.export.files import ProcessIdentity
    from rbtrace.settings import Settings


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


class StackSampling(Protocol):
    """Who samples stacks: `rbtrace.recording.sampling`; given to the pipeline, which drives it."""

    def ensure_running(self, settings: Settings, process: ProcessIdentity) -> None:
        """Start if that is asked for."""
        ...

    def before_listening(self) -> None:
        """The program is about to hear of all signals."""
        ...

    def stop(self) -> None:
        """Sample no more."""
        ...

    def flush(self, stem: Path, *, final: bool = False) -> None:
        """Write what was sampled to a file beside the spans file."""
        ...

    def begin_again_in_child(self) -> None:
        """Drop everything without writing it, after a fork."""
        ...


def with_extra_attributes(record: Record) -> ReadableSpan:
    """The record's span, with its extra attributes, as any exporter can encode it.

    A number beyond 64 bits or half a character, which the program's own tracer takes, would have
    all spans of a request refused.
    """
    span = record.span
    attributes = dict(span.attributes or {})
    return ReadableSpan(
        name=name(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**attributes_of(attributes), **record.extra},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
