"""Call paths: the same operation called from different places, told apart.

Paths are built level by level, each level in one step for all its spans. Exemplars take no part.
Below `DEEPEST` the rest of a path is one node, `DEEPER`: a recursion of a hundred thousand frames
has paths nobody can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT, depths, nearest
from rbtrace.analysis.arrays import Codes, Ints, distinct, share, starts_of_runs, sum_by
from rbtrace.analysis.table import SpanTable, Weights

DEEPEST: Final = 256
DEEPER: Final = "…"


class CallPathTime(Struct, frozen=True, gc=False):
    """All calls that were reached by the same names. Times in ns."""

    path: list[str]
    calls: int
    total_ns: int
    self_ns: int
    share: float | None


def call_paths(table: SpanTable, weights: Weights, self_ns: Ints) -> list[CallPathTime]:
    """All call paths, parents before children, siblings with the greatest self time first."""
    node, above, name = path_nodes(table)
    used = node != NO_PARENT
    count = above.size
    calls = sum_by(node[used], weights.calls[used], count).tolist()
    totals = sum_by(node[used], weights.total_ns[used], count).tolist()
    selfs = sum_by(node[used], self_ns[used], count).tolist()
    texts = [*table.names, DEEPER]
    return listed(above.tolist(), [texts[code] for code in name.tolist()], calls, totals, selfs)


def listed(
    parents: Sequence[int],
    names: Sequence[str],
    calls: Sequence[int],
    totals: Sequence[int],
    selfs: Sequence[int],
) -> list[CallPathTime]:
    """Rows of the nodes of a tree of paths, in order.

    Args:
        parents: of each node, its parent's place among them, before its own; -1 for none.
        names: of each node.
        calls: of each node.
        totals: ns, of each node.
        selfs: ns, of each node.
    """
    everything = sum(selfs)
    count = len(parents)
    beneath = list(selfs)
    children: dict[int, list[int]] = {}
    for row in range(count - 1, -1, -1):  # a node stands after its parent
        children.setdefault(parents[row], []).append(row)
        if parents[row] != NO_PARENT:
            beneath[parents[row]] += beneath[row]
    rows = []
    pending: list[tuple[int, list[str]]] = [(NO_PARENT, [])]
    while pending:
        row, path = pending.pop()
        if row != NO_PARENT:
            part = share(selfs[row], everything)
            rows.append(CallPathTime(path, calls[row], totals[row], selfs[row], part))
        by_name = sorted(children.get(row, []), key=names.__getitem__, reverse=True)
        ranked = sorted(by_name, key=beneath.__getitem__)  # the last is taken first
        pending += [(child, [*path, names[child]]) for child in ranked]
    return rows


def path_nodes(table: SpanTable) -> tuple[Codes, Codes, Codes]:
    """The node of each span (-1 for exemplars), and of each node its parent node and name.

    A node stands after its parent. Names are codes of the table's; one more stands for `DEEPER`.
    """
    parent = nearest(table.parent, table.exemplar)
    depth, _ = depths(parent)
    name = table.name.astype(np.int32)
    too_deep = depth >= DEEPEST
    if too_deep.any():
        parent = np.where(too_deep, nearest(parent, too_deep), parent).astype(np.int32)
        depth = np.where(too_deep, DEEPEST, depth).astype(np.int32)
        name[too_deep] = len(table.names)
    node = np.full(table.size, NO_PARENT, np.int32)
    parents: list[Ints] = []
    names: list[Ints] = []
    made = 0
    rows = np.flatnonzero(~table.exemplar)
    rows = rows[np.argsort(depth[rows].astype(np.int16), kind="stable")]
    for level in np.split(rows, starts_of_runs(depth[rows])[1:]):
        above = np.where(parent[level] == NO_PARENT, NO_PARENT, node[parent[level]])
        keys = (above + 1).astype(np.int64) * (len(table.names) + 1) + name[level]
        pairs, position = distinct(keys, (made + 1) * (len(table.names) + 1))
        node[level] = position + made
        made += pairs.size
        parents.append(pairs // (len(table.names) + 1) - 1)
        names.append(pairs % (len(table.names) + 1))
    none = np.zeros(0, np.int64)
    return (
        node,
        np.concatenate([none, *parents]).astype(np.int32),
        np.concatenate([none, *names]).astype(np.int32),
    )
