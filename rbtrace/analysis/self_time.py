"""Self time: what a span spent in itself, and not in traced calls beneath it.

Of a real span: its duration, minus the union of its real children's intervals clipped to it,
minus the self times of all summaries of its tree that its own thread made; never below zero. A
real span under a summary is a child of the summary's nearest real ancestor. A summary brings its
own. Exemplars and implicit spans have no self time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT, nearest
from rbtrace.analysis.arrays import Codes, Ints, Mask, sum_by, union_lengths
from rbtrace.analysis.table import SpanTable


class SelfTimes(NamedTuple):
    """Self time of every span, ns, and the real spans that the summaries belong to.

    `tree` has, for each summary, the row of the real span that encloses it in its thread, or -1.
    `clipped` counts children that reach beyond a parent of the same thread; `overfull` counts
    spans whose summaries say they took longer than the span had left.
    """

    self_ns: Ints
    tree: Codes
    clipped: int
    overfull: int

    def of(self, rows: slice, summaries: slice) -> SelfTimes:
        """The self times of a part of the table, with its rows numbered from 0."""
        tree = self.tree[summaries]
        tree = np.where(tree == NO_PARENT, NO_PARENT, tree - rows.start).astype(np.int32)
        return SelfTimes(self.self_ns[rows], tree, 0, 0)


def self_times(table: SpanTable) -> SelfTimes:
    """Compute the self time of every span."""
    self_ns = np.zeros(table.size, np.int64)
    trees = [np.zeros(0, np.int32)]
    clipped = overfull = 0
    for rows, family in table.families():
        selfs = _self_times_of_family(family)
        self_ns[rows] = selfs.self_ns
        trees.append(np.where(selfs.tree == NO_PARENT, NO_PARENT, selfs.tree + rows.start))
        clipped += selfs.clipped
        overfull += selfs.overfull
    return SelfTimes(self_ns, np.concatenate(trees).astype(np.int32), clipped, overfull)


def _self_times_of_family(table: SpanTable) -> SelfTimes:
    covered, clipped = _covered_by_children(table)
    left = np.where(table.real, table.duration - covered, 0)
    tree = _enclosing_spans(table)
    has_tree = tree != NO_PARENT
    in_summaries = sum_by(tree[has_tree], table.summaries.self_ns[has_tree], table.size)
    overfull = int(np.count_nonzero(in_summaries > left))
    self_ns = np.maximum(left - in_summaries, 0)
    self_ns[table.summaries.row] = table.summaries.self_ns
    return SelfTimes(self_ns, tree, clipped, overfull)


def _covered_by_children(table: SpanTable) -> tuple[Ints, int]:
    child = np.flatnonzero(table.real & (table.real_parent != NO_PARENT))
    parent = table.real_parent[child]
    low = np.maximum(table.start[child], table.start[parent])
    high = np.minimum(table.end[child], table.end[parent])
    beyond = (low != table.start[child]) | (high != table.end[child])
    child, above = child[beyond], parent[beyond]
    clipped = np.count_nonzero(_same_thread(table, child, above))
    return union_lengths(parent, low, high, table.start, table.duration), int(clipped)


def _same_thread(table: SpanTable, low: Codes, high: Codes) -> Mask:
    """Whether two spans ran in the same thread, as far as is known."""
    unknown = (table.thread[low] == 0) | (table.thread[high] == 0)
    same: Mask = unknown | (table.thread[low] == table.thread[high])
    same &= table.process[low] == table.process[high]
    return same


def _enclosing_spans(table: SpanTable) -> Codes:
    """For each summary, the real span that encloses it in its own thread, or -1."""
    rows = table.summaries.row
    if not rows.size:
        return rows
    enclosing = nearest(table.parent, table.summary | table.exemplar)[rows]
    has_tree = (enclosing != NO_PARENT) & table.real[enclosing]
    has_tree[has_tree] = _same_thread(table, rows[has_tree], enclosing[has_tree])
    return np.where(has_tree, enclosing, NO_PARENT).astype(np.int32)
