"""Finished spans that no tracer started: summaries, exemplars, implicit spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from rbtrace.conventions import SCHEMA_URL
from rbtrace.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AttributeValue

_scopes: dict[str, InstrumentationScope] = {}


def finished_span(
    name: str,
    context: SpanContext,
    parent: SpanContext | None,
    interval_ns: tuple[int, int],
    attributes: Mapping[str, AttributeValue],
    resource: Resource,
    scope: str,
) -> ReadableSpan:
    """A span with ids, parent and interval (epoch ns) of our choosing."""
    found = _scopes.get(scope)
    if found is None:
        found = _scopes[scope] = InstrumentationScope(scope, __version__, SCHEMA_URL)
    return ReadableSpan(
        name=name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=attributes,
        start_time=interval_ns[0],
        end_time=interval_ns[1],
        instrumentation_scope=found,
    )
