"""A span with the attributes only our own exporters add, as an exporter expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan

if TYPE_CHECKING:
    from rbtrace.telemetry.records import Record


def stamped(record: Record) -> ReadableSpan:
    """The record's span, with its extra attributes."""
    if not record.extra:
        return record.span
    span = record.span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), **record.extra},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
