"""All call trees of this process: which tree a hot call enters, and when a tree is closed.

A tree belongs to one enclosing span and one thread. Calls that no span of their own thread
encloses get an implicit span: `thread` below the span whose context they carry,
`rbtrace.unattached` where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import SpanContext, TraceFlags, TraceState, get_current_span

from rbtrace.conventions import THREAD, THREAD_ID, UNATTACHED, USER_SCOPE_NAME
from rbtrace.recording import current
from rbtrace.recording.current import or_origin, still_open
from rbtrace.recording.export import clock, threads
from rbtrace.recording.export.providers import IDS, finished_span
from rbtrace.recording.harmless import excuse
from rbtrace.recording.hot.calltree import CallTree, Enclosing, Node, SummarySpan
from rbtrace.recording.hot.cursor import CURSORS
from rbtrace.recording.hot.summaries import exemplars, summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan

    from rbtrace.recording.export.pipeline import Pipeline
    from rbtrace.recording.hot.cursor import Cursor


class Trees:
    """The call trees of one process. It is the pipeline's `Aggregates`."""

    def __init__(self) -> None:
        self._by_span: dict[int, CallTree] = {}
        self._implicit: dict[tuple[int, int], CallTree] = {}
        self._inside: dict[int, Node] = {}
        self._pipeline: Pipeline | None = None

    def serve(self, pipeline: Pipeline) -> None:
        """Work for this pipeline, whose first span starts now."""
        self._pipeline = pipeline

    def settle(self, cursor: Cursor) -> bool:
        """Make the cursor valid for the current context; False if nothing is to be recorded."""
        context = current.get_current()
        if cursor.unrecorded is context:
            return False
        try:
            node = self._find(context, cursor)
        except Exception as problem:  # noqa: BLE001 - a sampler of the program's; no stack left
            try:  # noqa: SIM105 - see `harmless`
                excuse("a hot call is not recorded", problem)
            except (RecursionError, MemoryError):
                pass
            return False
        if node is None:
            cursor.unrecorded = context
            return False
        cursor.node, cursor.context = node, context
        return True

    def _find(self, context: Context, cursor: Cursor) -> Node | None:
        if context.get(_SUPPRESSED):
            return None
        span = get_current_span(still_open(context))
        around = cursor.call_around(span)
        if around is not None:
            return around
        span_context = or_origin(span.get_span_context())
        if span_context.is_valid and not span_context.trace_flags.sampled:
            return None
        thread = threads.current_ident()
        assert self._pipeline is not None
        entry = self._pipeline.open_spans.get(span_context.span_id)
        if entry is None or entry.thread != thread:
            return self._implicit_root(span_context, thread)
        tree = self._by_span.get(span_context.span_id)
        if tree is None:
            tree = CallTree(Enclosing(span_context, thread, None, None))
            self._by_span[span_context.span_id] = tree
        return tree.open()

    def _implicit_root(self, parent: SpanContext, thread: int) -> Node | None:
        tree = self._implicit.get((parent.span_id, thread))
        if tree is None:
            span_context = self._implicit_context(parent)
            if span_context is None:
                return None
            implicit = (THREAD, parent) if parent.is_valid else (UNATTACHED, None)
            tree = CallTree(Enclosing(span_context, thread, *implicit))
            self._implicit[parent.span_id, thread] = tree
            assert self._pipeline is not None
            self._pipeline.keep_delivering()
        return tree.open()

    def _implicit_context(self, parent: SpanContext) -> SpanContext | None:
        """Ids of an implicit span; None where the sampler leaves a new trace out."""
        trace_id, trace_state = parent.trace_id, parent.trace_state
        if not parent.is_valid:
            trace_id, trace_state = IDS.generate_trace_id(), TraceState()
            assert self._pipeline is not None
            if not self._pipeline.providers.samples(trace_id, UNATTACHED):
                return None
        return SpanContext(
            trace_id,
            IDS.generate_span_id(),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
            trace_state=trace_state,
        )

    def span_started(self, span: ReadableSpan, context: Context) -> bool:
        """Remember the hot call a real span starts in, to take it off that call's self time."""
        parent = get_current_span(context)
        node = CURSORS.running().call_around(parent)
        if node is not None and span.context is not None:
            self._inside[span.context.span_id] = node
        return node is not None or isinstance(parent, SummarySpan)

    def span_ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Close the span's tree; give its summaries and exemplars."""
        assert span.context is not None
        span_id = span.context.span_id
        node = self._inside.pop(span_id, None)
        if (
            node is not None
            and node.started
            and node.tree.enclosing.thread == threads.current_ident()
        ):
            node.contain(span.start_time or 0, span.end_time or 0)
        tree = self._by_span.pop(span_id, None)
        if tree is None:
            return []
        tree.close()
        return self._spans_of(tree, span)

    def _spans_of(self, tree: CallTree, enclosing: ReadableSpan) -> list[ReadableSpan]:
        return [*self._summaries(tree, enclosing), *exemplars(tree, enclosing.resource)]

    def _summaries(self, tree: CallTree, enclosing: ReadableSpan) -> list[ReadableSpan]:
        return summaries(tree, enclosing.resource, enclosing.start_time or 0)

    def so_far(self) -> Iterable[ReadableSpan]:
        """Summaries of all open trees, and the implicit spans they hang under."""
        assert self._pipeline is not None
        for span_id, tree in list(self._by_span.items()):
            entry = self._pipeline.open_spans.get(span_id)
            if entry is not None:
                yield from self._summaries(tree, entry.span)
        for tree in list(self._implicit.values()):
            implicit = self._implicit_span(tree)
            yield implicit
            yield from self._summaries(tree, implicit)

    def finish(self, is_over: Callable[[int], bool]) -> list[ReadableSpan]:
        """Close the implicit spans of the threads that are over."""
        spans: list[ReadableSpan] = []
        for identity, tree in list(self._implicit.items()):
            if not is_over(tree.enclosing.thread):
                continue
            del self._implicit[identity]
            tree.close()
            span = self._implicit_span(tree)
            spans += [*self._spans_of(tree, span), span]
        return spans

    def _implicit_span(self, tree: CallTree) -> ReadableSpan:
        assert self._pipeline is not None
        enclosing = tree.enclosing
        nodes = tree.top_level()
        now = clock.monotonic_ns()
        start = min((node.first_start for node in nodes), default=now)
        end = max((now if node.started else node.ended for node in nodes), default=now)
        return finished_span(
            enclosing.implicit or THREAD,
            enclosing.span_context,
            enclosing.implicit_parent,
            (clock.to_epoch_ns(start), clock.to_epoch_ns(end)),
            {THREAD_ID: enclosing.thread},
            self._pipeline.providers.resource,
            USER_SCOPE_NAME,
        )

    def stop(self) -> None:
        """Let no further call enter; what was recorded is reported when its span ends."""
        for tree in [*self._by_span.values(), *self._implicit.values()]:
            tree.close()

    def forget(self) -> None:
        """Drop all trees: in a forked child none of them is its own."""
        self.stop()
        self._by_span.clear()
        self._implicit.clear()
        self._inside.clear()
        CURSORS.reset()


def _suppression_key() -> str:
    from opentelemetry import context as api  # noqa: PLC0415

    return str(api._SUPPRESS_INSTRUMENTATION_KEY)  # the API has no public name


_SUPPRESSED = _suppression_key()
