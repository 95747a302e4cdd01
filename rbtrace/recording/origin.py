"""The span this process was started under, for spans and hot calls that have no other parent.

A traced program that starts another one hands its span down as `TRACEPARENT` (and `TRACESTATE`) in
the child's own copy of the environment. Workers of multiprocessing get theirs with the process
object: a fork server's children all see the environment of the first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rbtrace.recording import current
from rbtrace.recording.export import greenlets
from rbtrace.recording.parents import still_open

PROPAGATOR: Final = TraceContextTextMapPropagator()


def headers_of(context: Context) -> dict[str, str]:
    """W3C trace context of the current span, for a carrier; empty if there is none."""
    headers: dict[str, str] = {}
    PROPAGATOR.inject(headers, context=still_open(context))
    return headers


def _span_context(headers: Mapping[str, str]) -> SpanContext:
    context = PROPAGATOR.extract(headers, context=Context())
    return get_current_span(context).get_span_context()


class _Origin:
    """Looked up in the environment at the first question, unless told before."""

    def __init__(self) -> None:
        self._found: SpanContext | None = None

    def set(self, headers: Mapping[str, str]) -> None:
        self._found = _span_context(headers)

    def get(self) -> SpanContext:
        if self._found is None:
            names = ("TRACEPARENT", "TRACESTATE")
            self.set({name.lower(): os.environ[name] for name in names if os.environ.get(name)})
        assert self._found is not None
        return self._found


_origin = _Origin()


def start_under(headers: Mapping[str, str]) -> None:
    """Have spans of this process without a parent start under the span of these headers."""
    _origin.set(headers)


def or_origin(span_context: SpanContext) -> SpanContext:
    """This span, or the one the greenlet or the process was started under if this is none."""
    if span_context.is_valid:
        return span_context
    return _of_greenlet() or _origin.get()


def _of_greenlet() -> SpanContext | None:
    """The current span of the greenlets that wait for this one.

    Those of gevent and eventlet wait for nobody: a hub switches to them.
    """
    greenlet, variable = greenlets.running(), current.VARIABLE
    while greenlet is not None and variable is not None and not _has_hub(greenlet):
        greenlet = greenlet.parent
        variables = None if greenlet is None else greenlet.gr_context
        context = None if variables is None else variables.get(variable)
        span_context = get_current_span(context or Context()).get_span_context()
        if span_context.is_valid:
            return span_context
    return None


def _has_hub(greenlet: Any) -> bool:
    return type(greenlet).__module__.partition(".")[0] in ("gevent", "eventlet")


def under_origin(context: Context) -> Context:
    """This context, or one in which the span the process was started under is the current one."""
    if get_current_span(context).get_span_context().is_valid:
        return context
    found = or_origin(INVALID_SPAN_CONTEXT)
    if not found.is_valid:
        return context
    return set_span_in_context(NonRecordingSpan(found), context)
