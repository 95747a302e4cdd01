"""Where a thread stands in its call tree: the node of the innermost hot call in progress.

The OpenTelemetry context would do, and does for calls that run the user's code. But changing a
context variable and changing it back takes as long as everything else a hot call costs, so for
calls inside the engine only this note is changed. It holds for one context object: under another
one (a span was started, a coroutine resumed) the place is looked up anew.

A place is made by the thread it belongs to, and takes the place of the one before. Greenlets have
places of their own. One can be suspended in the middle of a hot call: `here` finds the place of
the one that runs, and no two run under the same context object.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from rbtrace.recording.export import greenlets
from rbtrace.recording.hot.compiled import COMPILED

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from rbtrace.recording.hot.calltree import Node


class Place:
    """The current node of one thread, and the context it is valid for.

    `unrecorded` is a context under which nothing is recorded.
    """

    __slots__ = ("context", "node", "unrecorded")

    def __init__(self) -> None:
        self.context: Context | None = None
        self.node: Node | None = None
        self.unrecorded: Context | None = None
        if COMPILED is not None:
            COMPILED.stand(self)

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


class _Here(threading.local):
    def __init__(self) -> None:
        self.place = Place()
        self.has_greenlets = False
        self._of_thread = self.place
        self._of_greenlets: WeakKeyDictionary[Any, Place] = WeakKeyDictionary()

    def __reduce__(self) -> str:
        return "HERE"

    def share(self) -> None:
        """From now on greenlets take turns here. Where this one stands, no other is to think it is.

        The place is valid for a context like its own that is not the current one of anybody.
        """
        if not self.has_greenlets:
            self.has_greenlets = True
            if self.place.context is not None:
                self.place.context = Context(self.place.context)

    def find(self) -> Place:
        """Have `place` be that of the running greenlet."""
        greenlet = greenlets.running()
        if greenlet is not None:
            self.share()
        elif not self.has_greenlets:
            return self.place
        place = self._of_thread if greenlet is None else self._of_greenlets.get(greenlet)
        if place is None:
            place = self._of_greenlets[greenlet] = Place()
        if place is not self.place:
            self.place = place
            if COMPILED is not None:
                COMPILED.stand(place)
        return place

    def forget(self) -> None:
        """Stand nowhere, and nor does any greenlet."""
        self._of_thread = self.place = Place()
        self._of_greenlets.clear()


HERE = _Here()
"""`HERE.place` is the place of the calling thread, or of the greenlet that called last."""
