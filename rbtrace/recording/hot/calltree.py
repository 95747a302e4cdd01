"""The calling-context tree of hot calls beneath one span, in one thread.

A node is one operation on one call path. Its summary span gets its ids when the node is made, so
that a real span started inside the call can name the summary as its parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from rbtrace.recording.export import clock
from rbtrace.recording.export.providers import IDS
from rbtrace.recording.hot.tally import Durations, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rbtrace.recording.operation import Operation

MAX_NODES: Final = 1000
"""Nodes in a tree beyond which there is one node per operation name."""


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The span a tree hangs under, as seen from one thread."""

    span_context: SpanContext
    thread: int
    implicit: str | None
    implicit_parent: SpanContext | None


class SummarySpan(NonRecordingSpan):
    """The current span inside a hot call: its ids are those of the summary to come."""

    def __init__(self, span_context: SpanContext, node: Node) -> None:
        super().__init__(span_context)
        self.node = node

    @property
    def end_time(self) -> int | None:
        """When the last call ended, epoch ns, once the tree is closed; until then None."""
        return clock.to_epoch_ns(self.node.ended) if self.node.tree.closed else None


class Node(Tally):
    """One operation on one call path, and its calls. Only its own thread changes it.

    `started` is 0 for good once the tree is closed.
    """

    __slots__ = (
        "alias", "away", "base", "children", "context", "covered", "first_start", "inner",
        "operation", "parent", "real", "real_call", "span", "span_context", "tree",
    )  # fmt: skip

    operation: Operation | None
    parent: Node | None
    children: dict[str, Node]

    def __init__(
        self,
        tree: CallTree,
        span_context: SpanContext,
        operation: Operation | None,
        parent: Node | None,
    ) -> None:
        super().__init__()
        self.tree = tree
        self.span_context = span_context
        self.span = SummarySpan(span_context, self)
        self.base: Context | None = None
        self.context: Context | None = None
        self.operation = operation
        self.parent = parent
        self.children = {}
        self.first_start = clock.monotonic_ns()
        self.inner = 0
        self.alias = 0
        self.away = 0
        self.covered = 0
        self.real: list[tuple[int, int]] = []
        self.real_call = 0

    def context_in(self, base: Context) -> Context:
        """`base` with the summary as the current span."""
        if self.context is None or self.base is not base:
            self.base = base
            self.context = set_span_in_context(self.span, base)
        return self.context

    def child(self, operation: Operation) -> Node:
        """The node of an operation called from this one.

        A recursive call goes to the first node of that name on the path.
        """
        node = self.children.get(operation.name)
        if node is None:
            node = self.children[operation.name] = self._on_path(operation.name) or self.tree.grow(
                self, operation
            )
        return node

    def _on_path(self, name: str) -> Node | None:
        first = None
        node: Node | None = self
        while node is not None and node.operation is not None:
            if node.operation.name == name:
                first = node
            node = node.parent
        return first

    def durations(self) -> Durations:
        """Of all calls that have ended; any thread may ask."""
        return Durations._make(self.counted())

    def rejoin(self, caller: Node, duration: int, ended: int) -> None:
        """Note a call that is part of a recursion, or came from elsewhere than the parent.

        `ended` is 0 for an inner call of a recursion, which the outermost one contains.
        """
        if self.parent is not caller:
            caller.away += duration
            self.alias += duration
        if ended:
            self.started = 0
            self.ended = ended
        else:
            self.inner += duration

    def contain(self, start: int, end: int) -> None:
        """Note a real span that ran inside the call in progress (any one clock, ns)."""
        if self.real_call != self.started:
            self.covered = self.covered_ns()
            self.real.clear()
            self.real_call = self.started
        self.real.append((start, end))

    def covered_ns(self) -> int:
        """Time real spans took inside calls of this node, overlaps counted once, ns."""
        covered, reached = self.covered, 0
        for start, end in sorted(self.real):
            covered += max(0, end - max(start, reached))
            reached = max(reached, end)
        return covered

    def own_children(self) -> list[Node]:
        """Child nodes that stand below this one (not those a recursion leads back to)."""
        children = list(self.children.values())
        return [child for child in children if child.parent is self]


class CallTree:
    """The nodes beneath one enclosing span, in one thread."""

    def __init__(self, enclosing: Enclosing) -> None:
        self.enclosing = enclosing
        self.size = 0
        self.root = Node(self, enclosing.span_context, None, None)
        self.closed = False
        self._overflow: dict[str, Node] = {}

    def grow(self, parent: Node, operation: Operation) -> Node:
        """Add a node, or find the overflow node of the operation when the tree is full."""
        if self.size < MAX_NODES:
            return self._add(parent, operation)
        node = self._overflow.get(operation.name)
        if node is None:
            node = self._overflow[operation.name] = self._add(self.root, operation)
        return node

    def _add(self, parent: Node, operation: Operation) -> Node:
        self.size += 1
        enclosing = self.enclosing
        span_context = SpanContext(
            enclosing.span_context.trace_id,
            IDS.generate_span_id(),
            is_remote=False,
            trace_flags=enclosing.span_context.trace_flags,
            trace_state=enclosing.span_context.trace_state,
        )
        return Node(self, span_context, operation, parent)

    def top_level(self) -> list[Node]:
        """The nodes directly below the enclosing span, overflow nodes included."""
        nodes = [*self.root.own_children(), *list(self._overflow.values())]
        return list({id(node): node for node in nodes}.values())

    def nodes(self) -> Iterator[Node]:
        """Every node, parents before children."""
        pending = self.top_level()
        while pending:
            node = pending.pop()
            yield node
            pending.extend(node.own_children())

    def open(self) -> Node:
        """Let calls enter; return the node they start from, which is in progress meanwhile."""
        self.closed = False
        self.root.started = 1
        return self.root

    def close(self) -> None:
        """Let no further call enter."""
        self.closed = True
        self.root.started = 0
