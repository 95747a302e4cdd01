"""A span with the attributes only our own exporters add, as an exporter expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan

from rbtrace.recording.export.values import attributes_of, name

if TYPE_CHECKING:
    from rbtrace.recording.export.records import Record


def stamped(record: Record) -> ReadableSpan:
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
