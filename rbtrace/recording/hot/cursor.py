"""The cursor of a thread in its call tree: the node of the innermost hot call in progress.

The OpenTelemetry context would do, and does for calls that run the user's code. But changing a
context variable and changing it back takes as long as everything else a hot call costs, so for
calls inside the engine only the cursor is moved. It is valid for one context object: under another
one (a span was started, a coroutine resumed) the node is looked up anew.

A cursor is made by the thread it belongs to, and replaces the one before. Greenlets have cursors of
their own: one can be suspended in the middle of a hot call. `CURSORS.running` gives that of the
greenlet that runs; no two run under the same context object.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from rbtrace.recording import current
from rbtrace.recording.export import threads
from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.recording.sampling.samples import SpanReference

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from rbtrace.recording.hot.calltree import Node


class Cursor:
    """The current node of one thread, and the context it is valid for.

    `unrecorded` is a context under which nothing is recorded.
    """

    __slots__ = ("context", "node", "unrecorded")

    def __init__(self) -> None:
        self.context: Context | None = None
        self.node: Node | None = None
        self.unrecorded: Context | None = None
        if COMPILED is not None:
            COMPILED.set_cursor(self)

    def in_progress(self) -> Node | None:
        """The innermost hot call in progress, if its tree is still open."""
        node = self.node
        if node is None or node.operation is None or not node.started or node.tree.closed:
            return None
        return node

    def call_around(self, span: Span) -> Node | None:
        """The hot call in progress in which `span` is the current span."""
        node = self.in_progress()
        if node is None or self.context is None or get_current_span(self.context) is not span:
            return None
        return node


class _Cursors(threading.local):
    def __init__(self) -> None:
        self.current = Cursor()
        self.has_greenlets = False
        self._of_thread = self.current
        self._of_greenlets: WeakKeyDictionary[Any, Cursor] = WeakKeyDictionary()

    def __reduce__(self) -> str:
        return "CURSORS"

    def expect_greenlets(self) -> None:
        """From now on greenlets take turns here. No other is to take this cursor for its own.

        The cursor is valid for a context like its own that is not the current one of anybody.
        """
        if not self.has_greenlets:
            self.has_greenlets = True
            if self.current.context is not None:
                self.current.context = Context(self.current.context)

    def running(self) -> Cursor:
        """The cursor of the running greenlet, which is the current one from now on."""
        greenlet = threads.running_greenlet()
        if greenlet is not None:
            self.expect_greenlets()
        elif not self.has_greenlets:
            return self.current
        cursor = self._of_thread if greenlet is None else self._of_greenlets.get(greenlet)
        if cursor is None:
            cursor = self._of_greenlets[greenlet] = Cursor()
        if cursor is not self.current:
            self.current = cursor
            if COMPILED is not None:
                COMPILED.set_cursor(cursor)
        return cursor

    def reset(self) -> None:
        """Start anew: no call is in progress, in this thread or in a greenlet."""
        self._of_thread = self.current = Cursor()
        self._of_greenlets.clear()


CURSORS = _Cursors()
"""`CURSORS.current` is the cursor of the calling thread, or of the greenlet that called last."""


_NO_SPAN = SpanReference()


def innermost_span() -> SpanReference:
    """The innermost span of this thread, or the summary of the hot call in progress."""
    span = get_current_span(current.get_current())
    around = span.get_span_context()
    if not around.is_valid or not around.trace_flags.sampled:
        return _NO_SPAN
    node = CURSORS.running().call_around(span)
    inside = around if node is None else node.span_context
    parent = getattr(span, "parent", None)
    return SpanReference(
        inside.trace_id,
        inside.span_id,
        getattr(span, "start_time", None) or 0,
        0 if parent is None else parent.span_id,
    )
