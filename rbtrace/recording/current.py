"""The current OpenTelemetry context, as fast as it can be had, and the parent of the next span.

A hot call looks at the context and changes it. With the standard contextvars runtime that is one
`ContextVar`; with another runtime (`OTEL_PYTHON_CONTEXT`) the public functions are used.

A block in a generator may end in another context than it began in: the generator is closed by
another task, by the event loop at its end, by the garbage collector, or after the block around it.
Then the span cannot be taken out of the context it was made current in. Such a span is marked, and
once it has ended, what starts in that context hangs under the nearest span around it that is still
open. A context that is copied within a block, for a task or a thread, is another matter: what the
copy starts hangs under that span, also when the block has ended meanwhile.

Spans and hot calls that have no other parent start under the origin of the process. A traced
program that starts another one hands its span down as `TRACEPARENT` (and `TRACESTATE`) in the
child's own copy of the environment. Workers of multiprocessing get theirs with the process object:
a fork server's children all see the environment of the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as api
from opentelemetry.context import Context, create_key
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    Span,
    SpanContext,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rbtrace.recording.export import threads

if TYPE_CHECKING:
    from typing import Protocol

    class ActiveSpan(Protocol):
        """What is asked of a block, which `rbtrace.recording.spans` defines."""

        span: Span
        context: Context
        around: Context
        outer: ActiveSpan | None
        was_left: bool


def _variable() -> ContextVar[Any] | None:
    runtime = getattr(api, "_RUNTIME_CONTEXT", None)
    if type(runtime) is not ContextVarsRuntimeContext:
        return None
    return getattr(runtime, "_current_context", None)


VARIABLE = _variable()
"""What holds the context; None with another runtime."""


def _access() -> tuple[Callable[[], Context], Callable[[Context], Any], Callable[[Any], bool]]:
    variable = VARIABLE
    if variable is None:
        return api.get_current, api.attach, _detach

    def restore(token: Any) -> bool:
        try:
            variable.reset(token)
        except (ValueError, RuntimeError):
            return False
        return True

    return variable.get, variable.set, restore


def _detach(token: Any) -> bool:
    """As `api.detach`, which writes a failure to the program's log."""
    try:
        api._RUNTIME_CONTEXT.detach(token)  # the API has no public name
    except Exception:  # noqa: BLE001 - whatever that runtime raises
        return False
    return True


get_current, attach, restore = _access()
"""`restore` says whether it could: a generator may be closed in another context than it ran in."""


def copy() -> Context:
    """What is current, as an object of its own: a place is valid for one context object."""
    return Context(get_current())


_ACTIVE: Final = create_key("rbtrace-active-span")
_SPAN: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""Under which OpenTelemetry has the current span: it has no public name."""


def active_span_of(context: Context) -> ActiveSpan | None:
    """The innermost block of ours that made this context."""
    active: ActiveSpan | None = context.get(_ACTIVE)  # type: ignore[assignment]
    return active


def context_with(active: ActiveSpan, around: Context) -> Context:
    """The context within the block."""
    return Context({**around, _SPAN: active.span, _ACTIVE: active})


def leave(active: ActiveSpan, token: Any) -> bool:
    """Make current what was before the block; False if the span may be current elsewhere.

    Where another block has taken over meanwhile, it stays current.
    """
    now = get_current()
    if now is not active.context and not _is_within(now, active):
        return False
    if restore(token):
        return True
    if now is active.context:  # in a copy of the context the block began in
        attach(active.around)
    return False


def _is_within(context: Context, active: ActiveSpan) -> bool:
    inner = active_span_of(context)
    while inner is not None and inner is not active:
        inner = inner.outer
    return inner is not None


def still_open(context: Context) -> Context:
    """The context, with the nearest open span instead of one that ended and could not be left."""
    active = active_span_of(context)
    if active is None or not active.was_left or not has_ended(active.span):
        return context
    if get_current_span(context) is not active.span:
        return context
    span, within = _nearest_open(active)
    return Context({**context, _SPAN: span, _ACTIVE: within})


def _nearest_open(active: ActiveSpan) -> tuple[Span, ActiveSpan | None]:
    """The span, and the innermost block it is in or of."""
    around = active
    while True:
        parent, outer = get_current_span(around.around), around.outer
        if not has_ended(parent):
            return parent, outer
        if outer is None:
            return INVALID_SPAN, None
        if not has_ended(outer.span):
            return outer.span, outer
        around = outer


def has_ended(span: Span) -> bool:
    """Whether it is a span of this process that is over."""
    return getattr(span, "end_time", None) is not None


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
    """Read from the environment at the first question, unless set before."""

    def __init__(self) -> None:
        self._span_context: SpanContext | None = None

    def set(self, headers: Mapping[str, str]) -> None:
        self._span_context = _span_context(headers)

    def get(self) -> SpanContext:
        if self._span_context is None:
            names = ("TRACEPARENT", "TRACESTATE")
            self.set({name.lower(): os.environ[name] for name in names if os.environ.get(name)})
        assert self._span_context is not None
        return self._span_context


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
    greenlet, variable = threads.running_greenlet(), VARIABLE
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
    origin = or_origin(INVALID_SPAN_CONTEXT)
    if not origin.is_valid:
        return context
    return set_span_in_context(NonRecordingSpan(origin), context)
