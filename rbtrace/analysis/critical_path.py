"""Critical path: what a root's duration was spent waiting for, in parts that sum to it exactly.

A cursor moves backwards from a span's end. Of its real children, each clipped to the span, the one
that ends last, but not after the cursor, is on the path (ties: the later start, then the smaller
id), and the cursor moves to its start. The gaps between are the span's own time, which is divided
between itself and the summaries of its tree in proportion to their self times. The same is done
within every child on the path.

A child is on the path completely or not at all, so which child is next depends only on the one
before: each child points to the sibling that follows it, and the pointers are followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT, greatest_above
from rbtrace.analysis.arrays import (
    LONGEST_LINE,
    Codes,
    Ids,
    Ints,
    Labels,
    Mask,
    apportion,
    distinct,
    ranks,
    starts_of_runs,
    sum_by,
)
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.self_time import SelfTimes
from rbtrace.analysis.table import SpanTable


class CriticalTime(Struct, frozen=True, gc=False):
    """The contribution of one operation in one process to the critical path of one root.

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


class CriticalSums(NamedTuple):
    """Time on critical paths, summed by root and kind; a kind is a name and a process.

    `root` is a row, `since` the start of the first span on the path that contributes.
    """

    kind: Ints
    root: Ints
    ns: Ints
    since: Ints


class CriticalRoots(NamedTuple):
    """Roots: the index of their name in `OperationKinds.names`, their times and ids."""

    name: Ints
    start: Ints
    end: Ints
    span_id: Ids


class OperationKinds(NamedTuple):
    """Names and processes in alphabetical order; their ranks by code. A kind is a pair of ranks."""

    names: list[str]
    processes: list[str]
    name_rank: Ints
    process_rank: Ints

    @classmethod
    def of(cls, names: Sequence[str], processes: Sequence[Origin]) -> OperationKinds:
        """The kinds of names and processes, given by code."""
        texts = [process.process for process in processes]
        return cls(sorted(set(names)), sorted(set(texts)), ranks(names), ranks(texts))

    def kind(self, name: Labels, process: Labels) -> Ints:
        """The kinds of pairs of codes."""
        kind: Ints = self.name_rank[name] * len(self.processes)
        kind += self.process_rank[process]
        return kind


def sum_by_root_and_kind(kind: Ints, root: Codes | Ints, ns: Ints, start: Ints) -> CriticalSums:
    """Sum the contributions (ns) of spans, or sums of them, that begin at `start`."""
    used = ns > 0
    kind, root, ns, start = kind[used], root[used], ns[used], start[used]
    kinds = int(kind.max(initial=0)) + 1
    roots, root_number = distinct(root, int(root.max(initial=0)) + 1)
    pairs, position = distinct(root_number * kinds + kind, roots.size * kinds)
    since = np.full(pairs.size, np.iinfo(np.int64).max)
    np.minimum.at(since, position, start)
    root_number, kind = np.divmod(pairs, kinds)
    return CriticalSums(kind, roots[root_number], sum_by(position, ns, pairs.size), since)


def critical_path_rows(
    kinds: OperationKinds, roots: CriticalRoots, sums: CriticalSums
) -> list[CriticalTime]:
    """The rows of sums, in order; `roots` has the root of each sum."""
    order = np.lexsort((sums.kind, -sums.ns, roots.span_id, roots.name, roots.start))
    top, start, end, _ = (column[order] for column in roots)
    kind, _, ns, since = (column[order] for column in sums)
    name, process = np.divmod(kind, max(1, len(kinds.processes)))
    return list(
        map(
            CriticalTime,
            map(kinds.names.__getitem__, name.tolist()),
            ns.tolist(),
            (ns / (end - start)).tolist(),
            map(kinds.names.__getitem__, top.tolist()),
            since.tolist(),
            map(kinds.processes.__getitem__, process.tolist()),
            start.tolist(),
        )
    )


def critical_path(table: SpanTable, selfs: SelfTimes) -> list[CriticalTime]:
    """Critical paths of all roots, in order of start; within a root the greatest part first."""
    kinds = OperationKinds.of(table.names, table.processes)
    sums = []
    summaries = 0
    for rows, family in table.families():
        following = summaries + family.summaries.row.size
        family_sums = _sums_of_family(family, selfs.of(rows, slice(summaries, following)), kinds)
        sums.append(family_sums._replace(root=family_sums.root + rows.start))
        summaries = following
    if not sums:
        return []
    joined = CriticalSums._make(map(np.concatenate, zip(*sums, strict=True)))
    root = joined.root
    name = kinds.name_rank[table.name[root]]
    return critical_path_rows(
        kinds, CriticalRoots(name, table.start[root], table.end[root], table.span_id[root]), joined
    )


def _sums_of_family(table: SpanTable, selfs: SelfTimes, kinds: OperationKinds) -> CriticalSums:
    start, end = _clipped_times(table)
    taken = _on_path_with_parent(table, start, end)
    on_path = table.real & (greatest_above(table.real_parent, (~taken).view(np.int8)) == 0)
    rows = np.flatnonzero(on_path)
    length = end - start
    child = rows[table.real_parent[rows] != NO_PARENT]
    in_children = sum_by(table.real_parent[child], length[child], table.size)
    own = length - in_children
    root = _roots(table.real_parent)
    summary, given = _shared_with_summaries(table, selfs, on_path, own)
    own[rows] -= sum_by(selfs.tree[summary], given, table.size)[rows]
    of_kind = np.concatenate((rows, table.summaries.row[summary]))
    return sum_by_root_and_kind(
        kinds.kind(table.name[of_kind], table.process[of_kind]),
        np.concatenate((root[rows], root[selfs.tree[summary]])),
        np.concatenate((own[rows], given)),
        np.concatenate((start[rows], start[selfs.tree[summary]])),
    )


def _clipped_times(table: SpanTable) -> tuple[Ints, Ints]:
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


def _on_path_with_parent(table: SpanTable, start: Ints, end: Ints) -> Mask:
    """Real spans that are on the path if their parent is: roots are, empty spans are not."""
    root = table.real & (table.real_parent == NO_PARENT)
    taken: Mask = root.copy()
    rows = np.flatnonzero(table.real & ~root & (end > start))
    if not rows.size:
        return taken
    begin, finish = _on_common_time_line(rows, table.real_parent[rows], start, end)
    order = _by_end(begin, finish, table.span_id[rows])
    rows, begin, finish = rows[order], begin[order], finish[order]
    parent = table.real_parent[rows]
    overlaps = np.flatnonzero((parent[1:] == parent[:-1]) & (finish[:-1] > begin[1:]))
    parallel = np.zeros(table.size, np.bool_)
    parallel[parent[overlaps]] = True
    among = parallel[parent]
    taken[rows[~among]] = True  # one after the other: all of them
    rows = rows[among]
    if rows.size:
        following, heads = _following(parent[among], begin[among], finish[among])
        taken[rows[_reached(heads, following)]] = True
    return taken


def _on_common_time_line(rows: Ints, parent: Codes, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Start and end of the rows on a time line on which each parent has a section of its own.

    Only the order of times matters, so if the line would be too long for 64 bits, times are
    replaced by their ranks.
    """
    length = end - start + 1
    if float(length.sum(dtype=np.float64)) > LONGEST_LINE:
        _, rank = np.unique(np.concatenate((start, end)), return_inverse=True)
        start, end = rank[: start.size], rank[start.size :]
        length = end - start + 1
    shift = (np.cumsum(length) - length - start)[parent]
    return start[rows] + shift, end[rows] + shift


def _by_end(start: Ints, end: Ints, span_id: Ids) -> Ints:
    """Order by end, then start, then the greater id first. Most ends differ."""
    order = np.argsort(end)
    same = np.diff(end[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((~span_id[rows], start[rows], end[rows]))]
    return order


def _following(parent: Codes, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Which sibling is next when one is taken (position, -1 for none), and which are first.

    All arrays are sorted by end on the one line, and so by parent.
    """
    starts = starts_of_runs(parent)
    after = np.append(starts[1:], parent.size)
    following = np.searchsorted(end, start, side="right") - 1
    first = np.repeat(starts, after - starts)
    return np.where(following >= first, following, -1), after - 1


def _reached(heads: Ints, following: Ints) -> Ints:
    """Positions that are reached from the heads, by doubling the steps."""
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


def _shared_with_summaries(
    table: SpanTable, selfs: SelfTimes, on_path: Mask, own: Ints
) -> tuple[Ints, Ints]:
    """Positions of summaries whose span is on the path, and what each gets of its gaps, ns."""
    tree = selfs.tree
    summary = np.flatnonzero((tree != NO_PARENT) & on_path[tree])
    row = table.summaries.row[summary]
    rank = ranks(table.names)[table.name[row]]
    summary = summary[np.lexsort((table.span_id[row], rank, tree[summary]))]
    first = starts_of_runs(tree[summary])
    spans = tree[summary[first]]
    given = apportion(own[spans], selfs.self_ns[spans], table.summaries.self_ns[summary], first)
    return summary, given
