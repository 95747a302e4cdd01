"""Which span is the parent of the next, where blocks do not end as they are nested.

A block in a generator may end in another context than it began in: the generator is closed by
another task, by the event loop at its end, by the garbage collector, or after the block around it.
Then the span cannot be taken out of the context it was made current in. Such a span is marked, and
once it has ended, what starts in that context hangs under the nearest span around it that is still
open.

A context that is copied within a block, for a task or a thread, is another matter: what the copy
starts hangs under that span, also when the block has ended meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span, set_span_in_context

from rbtrace.recording import current
from rbtrace.recording.hot.calltree import SummarySpan

if TYPE_CHECKING:
    from typing import Protocol

    class ActiveSpan(Protocol):
        """What is asked of a block, which `rbtrace.recording.spans` defines."""

        span: Span
        context: Context
        around: Context
        outer: ActiveSpan | None
        was_left: bool


_SCOPE: Final = create_key("rbtrace-scope")
_SPAN: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""Under which OpenTelemetry has the current span: it has no public name."""


def scope_of(context: Context) -> ActiveSpan | None:
    """The innermost block of ours that made this context."""
    scope: ActiveSpan | None = context.get(_SCOPE)  # type: ignore[assignment]
    return scope


def context_with(scope: ActiveSpan, around: Context) -> Context:
    """The context within the block."""
    return Context({**around, _SPAN: scope.span, _SCOPE: scope})


def leave(scope: ActiveSpan, token: Any) -> bool:
    """Make current what was before the block; False if the span may be current elsewhere.

    Where another block has taken over meanwhile, it stays current.
    """
    now = current.get_current()
    if now is not scope.context and not _is_within(now, scope):
        return False
    if current.restore(token):
        return True
    if now is scope.context:  # in a copy of the context the block began in
        current.attach(scope.around)
    return False


def _is_within(context: Context, scope: ActiveSpan) -> bool:
    inner = scope_of(context)
    while inner is not None and inner is not scope:
        inner = inner.outer
    return inner is not None


def still_open(context: Context) -> Context:
    """The context, with the nearest open span instead of one that ended and could not be left."""
    scope = scope_of(context)
    if scope is None or not scope.was_left or not has_ended(scope.span):
        return context
    if get_current_span(context) is not scope.span:
        return context
    span, within = _nearest_open(scope)
    return Context({**context, _SPAN: span, _SCOPE: within})


def _nearest_open(scope: ActiveSpan) -> tuple[Span, ActiveSpan | None]:
    """The span, and the innermost block it is in or of."""
    around = scope
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
    if isinstance(span, SummarySpan):
        return span.node.tree.closed
    return getattr(span, "end_time", None) is not None
