"""What the calling thread is in, for those who sample it."""

from __future__ import annotations

from opentelemetry.trace import get_current_span

from rbtrace.recording import current
from rbtrace.recording.cursor import HERE
from rbtrace.recording.sampling.samples import Place

_NOWHERE = Place()


def innermost_span() -> Place:
    """The innermost span of this thread, or the summary of the hot call in progress."""
    span = get_current_span(current.get_current())
    around = span.get_span_context()
    if not around.is_valid or not around.trace_flags.sampled:
        return _NOWHERE
    node = HERE.find().call_around(span)
    inside = around if node is None else node.span_context
    parent = getattr(span, "parent", None)
    return Place(
        inside.trace_id,
        inside.span_id,
        getattr(span, "start_time", None) or 0,
        0 if parent is None else parent.span_id,
    )
