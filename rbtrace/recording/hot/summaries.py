"""A call tree → summary spans, and the slowest calls as exemplar spans.

A summary is drawn for tools that know nothing of us: its duration is the total, the summaries of
one parent are laid end to end from the parent's start, nested ones inside their parent. The real
times are in its attributes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import SpanContext

from rbtrace import conventions as key
from rbtrace.recording.export import clock
from rbtrace.recording.export.providers import IDS, finished_span
from rbtrace.recording.hot.calltree import CallTree, Node
from rbtrace.recording.hot.tally import EXEMPLARS, Durations

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_NO_CALLS: Final = Durations()


def summaries(tree: CallTree, resource: Resource, start_ns: int) -> list[ReadableSpan]:
    """Summary spans of a tree as it stands, calls in progress included, parents first."""
    spans: list[ReadableSpan] = []
    now = clock.monotonic_ns()
    all_durations = {id(node): _durations(node, now) for node in tree.nodes()}
    pending = [(tree.enclosing.span_context, start_ns, tree.top_level())]
    while pending:
        parent, cursor, nodes = pending.pop()
        for node in nodes:
            durations = all_durations.get(id(node), _NO_CALLS)
            if not durations.calls:
                continue
            total = durations.total - node.inner
            spans.append(
                finished_span(
                    _name(node),
                    node.span_context,
                    parent,
                    (cursor, cursor + total),
                    _attributes(node, durations, self_ns(node, all_durations), now),
                    resource,
                    _scope(node),
                )
            )
            pending.append((node.span_context, cursor, node.own_children()))
            cursor += total
    return spans


def exemplars(tree: CallTree, resource: Resource) -> list[ReadableSpan]:
    """The slowest calls as spans with their real times, children of their summaries."""
    return [
        finished_span(
            _name(node),
            _exemplar_context(node),
            node.span_context,
            (clock.to_epoch_ns(start), clock.to_epoch_ns(start + duration)),
            {**_own(node), key.EXEMPLAR: True, key.THREAD_ID: tree.enclosing.thread},
            resource,
            _scope(node),
        )
        for node, duration, start in _slowest(tree)
    ]


def _exemplar_context(node: Node) -> SpanContext:
    summary = node.span_context
    return SpanContext(
        summary.trace_id,
        IDS.generate_span_id(),
        is_remote=False,
        trace_flags=summary.trace_flags,
        trace_state=summary.trace_state,
    )


def _slowest(tree: CallTree) -> Iterator[tuple[Node, int, int]]:
    """At most `EXEMPLARS` calls: the slowest of each node, then each node's second slowest.

    Nodes take their turns in the order of their slowest calls, so the slowest of all is the first.
    """
    kept = [(node, sorted(node.slowest(), reverse=True)) for node in tree.nodes()]
    ranked = [(node, calls) for node, calls in kept if calls]
    ranked.sort(key=lambda entry: entry[1][0][0], reverse=True)
    turns = (
        (node, *calls[turn])
        for turn in range(EXEMPLARS)
        for node, calls in ranked
        if turn < len(calls)
    )
    for _, taken in zip(range(EXEMPLARS), turns, strict=False):
        yield taken


def _durations(node: Node, now: int) -> Durations:
    durations = node.durations()
    started = node.started
    return durations.plus([max(0, now - started)]) if started else durations


def self_ns(node: Node, durations: Mapping[int, Durations]) -> int:
    """Time in this node's calls and in no traced call or span beneath them, ns.

    Calls that reached a child node from elsewhere on the path (a recursion, an overflow) were
    charged to their caller as `away`, and are not taken off again here (`alias`).
    """
    children = sum(
        durations.get(id(child), _NO_CALLS).total - child.alias for child in node.own_children()
    )
    return max(0, durations[id(node)].total - children - node.away - node.covered_ns())


def _attributes(node: Node, durations: Durations, own_ns: int, now: int) -> dict[str, Any]:
    bounds, counts = durations.histogram()
    total = durations.total - node.inner
    last = now if node.started else node.ended
    attributes = {
        **_own(node),
        key.IS_SUMMARY: True,
        key.SPAN_COUNT: durations.calls,
        key.DURATION_TOTAL: total,
        key.DURATION_MIN: durations.shortest,
        key.DURATION_MAX: durations.longest,
        key.DURATION_AVG: total // durations.calls,
        key.HISTOGRAM_BOUNDS: bounds,
        key.HISTOGRAM_COUNTS: counts,
        key.SELF_NS: own_ns,
        key.P95_NS: _p95(durations, bounds, counts),
        key.FIRST_START_NS: clock.to_epoch_ns(node.first_start),
        key.LAST_END_NS: clock.to_epoch_ns(last),
        key.THREAD_ID: node.tree.enclosing.thread,
    }
    if node.errors:
        attributes[key.SUMMARY_ERRORS] = node.errors
    return attributes


def _p95(durations: Durations, bounds: list[float], counts: list[int]) -> int:
    """The upper bound of the bucket with the call of that rank, between shortest and longest."""
    rank = -(-95 * durations.calls // 100)
    upper = round(bounds[bisect_left(counts, rank)] * 1e9)
    return max(durations.shortest, min(upper, durations.longest))


def _own(node: Node) -> dict[str, Any]:
    return dict(node.operation.attributes) if node.operation else {}


def _name(node: Node) -> str:
    return node.operation.name if node.operation else ""


def _scope(node: Node) -> str:
    return node.operation.scope if node.operation else key.USER_SCOPE_NAME
