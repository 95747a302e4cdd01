"""Critical path: what a root's duration was spent waiting for, in pieces that sum to it exactly.

From a span's end backwards: of its real children, each clipped to it, the one that ends last, not
after the cursor, is on the path (ties: the later start, then the smaller id), and the cursor moves
to its start. What lies between is the span's own, divided between itself and the summaries of its
tree in proportion to their self times. Then the same within every child on the path.

A child is taken whole or not at all, so what is on the path does not depend on the cursor: each
child points to the sibling that is next if it is taken, and following these pointers is all.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT, greatest_above
from rbtrace.analysis.apportion import apportion
from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask, ranks, starts_of_runs, sum_by
from rbtrace.analysis.intervals import LONGEST_LINE
from rbtrace.analysis.self_time import SelfTimes
from rbtrace.analysis.table import SpanTable


class CriticalTime(Struct, frozen=True, gc=False):
    """What one operation in one process contributes to the critical path of one root.

    `ns` are nanoseconds on the path, `share` is of the root's duration, `start_ns` is the start
    of the first span on the path that contributes, epoch ns. `root` is the root's name,
    `root_start_ns` its start.
    """

    name: str
    ns: int
    share: float
    root: str
    start_ns: int
    process: str
    root_start_ns: int


def critical_path(table: SpanTable, selfs: SelfTimes) -> list[CriticalTime]:
    """Critical paths of all roots, in order of start; within a root the greatest part first."""
    start, end = _windows(table)
    taken = _taken_by_parent(table, start, end)
    on_path = table.real & (greatest_above(table.real_parent, (~taken).astype(np.int64)) == 0)
    rows = np.flatnonzero(on_path)
    length = end - start
    child = rows[table.real_parent[rows] != NO_PARENT]
    in_children = sum_by(table.real_parent[child], length[child], table.size)
    own = length - in_children
    root = _roots(table.real_parent)
    summary, given = _given_to_summaries(table, selfs, on_path, own)
    own[rows] -= sum_by(selfs.tree[summary], given, table.size)[rows]
    contributor = np.concatenate((rows, table.summaries.row[summary]))
    return _rows(
        table,
        contributor,
        np.concatenate((own[rows], given)),
        np.concatenate((root[rows], root[selfs.tree[summary]])),
        np.concatenate((start[rows], start[selfs.tree[summary]])),
    )


def _windows(table: SpanTable) -> tuple[Ints, Ints]:
    """Start and end of each real span, clipped to all its ancestors; end ≥ start."""
    parent = table.real_parent
    has = table.real & (parent != NO_PARENT)
    beyond = (table.start < table.start[parent]) | (table.end > table.end[parent])
    if not (has & beyond).any():
        return table.start, np.maximum(table.end, table.start)
    lineage = np.where(table.real, parent, NO_PARENT).astype(np.int32)
    end = -greatest_above(lineage, -table.end)
    start = np.minimum(greatest_above(lineage, table.start), end)
    return start, end


def _taken_by_parent(table: SpanTable, start: Ints, end: Ints) -> Mask:
    """Real spans that are on the path if their parent is. Roots are; empty spans are not."""
    root = table.real & (table.real_parent == NO_PARENT)
    taken: Mask = root.copy()
    rows = np.flatnonzero(table.real & ~root & (end > start))
    if not rows.size:
        return taken
    parent = table.real_parent[rows]
    rows = rows[_order(parent, start[rows], end[rows], table.span_id[rows], (start, end))]
    parent, begin, finish = table.real_parent[rows], start[rows], end[rows]
    sibling = parent[1:] == parent[:-1]
    overlaps = np.flatnonzero(sibling & (finish[:-1] > begin[1:]))
    parallel = np.zeros(table.size, np.bool_)
    parallel[parent[overlaps]] = True
    among = parallel[parent]
    taken[rows[~among]] = True  # one after the other: all of them
    rows = rows[among]
    if rows.size:
        following, heads = _following(parent[among], begin[among], finish[among])
        taken[rows[_reached(heads, following)]] = True
    return taken


def _order(parent: Codes, start: Ints, end: Ints, span_id: Ids, window: tuple[Ints, Ints]) -> Ints:
    """Order by parent, then end, then start, then the greater id first.

    Every parent gets its own stretch of one long time line, if it fits in 64 bits: one sort does
    for parent and end, and most ends differ.
    """
    length = window[1] - window[0] + 1
    if float(length.sum(dtype=np.float64)) > LONGEST_LINE:
        every: Ints = np.lexsort((~span_id, start, end, parent))
        return every
    place = end + (np.cumsum(length) - length - window[0])[parent]
    order = np.argsort(place)
    same = np.diff(place[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((~span_id[rows], start[rows], place[rows]))]
    return order


def _following(parent: Codes, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Which sibling is next when one is taken (position, -1 for none), and which are first.

    All arrays are sorted by parent, then end.
    """
    size = parent.size
    starts = starts_of_runs(parent)
    low = np.repeat(starts, np.diff(np.append(starts, size)))
    # Merge ends and starts of siblings by time, ends first: the ends before a start are those of
    # the siblings that may follow, and the last of these is the one.
    is_start = np.repeat((False, True), size)
    order = np.lexsort((is_start, np.concatenate((end, start)), np.tile(parent, 2)))
    ends_so_far = np.cumsum(~is_start[order])
    place = np.empty(2 * size, np.int64)
    place[order] = ends_so_far - 1
    following = place[size:]
    return np.where(following >= low, following, -1), np.append(starts[1:], size) - 1


def _reached(heads: Ints, following: Ints) -> Ints:
    """Positions that chains from the heads go through, by doubling the steps."""
    reached = np.zeros(following.size, np.bool_)
    reached[heads] = True
    jump = following
    while True:
        ahead = jump[reached]
        ahead = ahead[ahead != -1]
        if not ahead.size:
            return np.flatnonzero(reached)
        reached[ahead] = True
        jump = np.where(jump == -1, -1, jump[jump])


def _roots(parent: Codes) -> Codes:
    """The real root of every real span."""
    size = parent.size
    root = np.where(parent == NO_PARENT, np.arange(size, dtype=np.int32), parent)
    while not np.array_equal(further := root[root], root):
        root = further
    return root.astype(np.int32)


def _given_to_summaries(
    table: SpanTable, selfs: SelfTimes, on_path: Mask, own: Ints
) -> tuple[Ints, Ints]:
    """Positions of the summaries whose span is on the path, and what each gets of its gaps, ns."""
    tree = selfs.tree
    summary = np.flatnonzero((tree != NO_PARENT) & on_path[tree])
    row = table.summaries.row[summary]
    rank = ranks(table.names)[table.name[row]]
    summary = summary[np.lexsort((table.span_id[row], rank, tree[summary]))]
    first = starts_of_runs(tree[summary])
    spans = tree[summary[first]]
    given = apportion(own[spans], selfs.self_ns[spans], table.summaries.self_ns[summary], first)
    return summary, given


def _rows(
    table: SpanTable, contributor: Ints, ns: Ints, root: Ints, start: Ints
) -> list[CriticalTime]:
    """Sum what spans contribute by root, name and process."""
    paid = ns > 0
    contributor, ns, root, start = contributor[paid], ns[paid], root[paid], start[paid]
    if not contributor.size:
        return []
    processes = [one.process for one in table.processes]
    name_rank, process_rank = ranks(table.names), ranks(processes)
    name = name_rank[table.name[contributor]]
    process = process_rank[table.process[contributor]]
    kind = name * len(processes) + process
    order = np.lexsort((kind, root))
    changes = (np.diff(kind[order]) != 0) | (np.diff(root[order]) != 0)
    first = np.flatnonzero(np.concatenate(([True], changes)))
    spent = np.add.reduceat(ns[order], first)
    since = np.minimum.reduceat(start[order], first)
    one, top = contributor[order][first], root[order][first]
    ranked = np.lexsort(
        (
            kind[order][first],
            -spent,
            table.span_id[top],
            name_rank[table.name[top]],
            table.start[top],
        )
    )
    one, top, spent, since = one[ranked], top[ranked], spent[ranked], since[ranked]
    return list(
        map(
            CriticalTime,
            map(table.names.__getitem__, table.name[one].tolist()),
            spent.tolist(),
            (spent / (table.end[top] - table.start[top])).tolist(),
            map(table.names.__getitem__, table.name[top].tolist()),
            since.tolist(),
            map(processes.__getitem__, table.process[one].tolist()),
            table.start[top].tolist(),
        )
    )
