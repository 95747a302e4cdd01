"""Breakdowns of the time: by operation, kind of work, process and call path.

Call paths distinguish calls of an operation from different callers. They are built level by level,
each level in one step for all its spans. Exemplars are left out. Below level `DEEPEST` the rest of
a path is a single node, `DEEPER`: a recursion of a hundred thousand calls has unreadable paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT, depths, nearest
from rbtrace.analysis.arrays import (
    EXACT,
    Codes,
    Ints,
    Labels,
    Quantiles,
    distinct,
    exact_quantiles,
    mixed_quantiles,
    occurring,
    share,
    starts_of_runs,
    sum_by,
)
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.table import SpanTable, Weights
from rbtrace.conventions import Category


class OperationTime(Struct, frozen=True, gc=False):
    """All calls of one name. Times in ns; `share` is of the self time of all operations.

    `share_ci` is None where there are too few runs for an interval.
    """

    name: str
    category: str
    calls: int
    total_ns: int
    self_ns: int
    share: float | None
    share_ci: tuple[float, float] | None
    mean_ns: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    min_ns: int
    max_ns: int
    quantile_method: str


def operations(table: SpanTable, weights: Weights, self_ns: Ints) -> list[OperationTime]:
    """All operations, the greatest self time first, then by name."""
    count = len(table.names)
    calls = sum_by(table.name, weights.calls, count).tolist()
    totals = sum_by(table.name, weights.total_ns, count).tolist()
    selfs = sum_by(table.name, self_ns, count).tolist()
    total_self_ns = sum(selfs)
    categories = _categories(table, self_ns)
    durations = _by_name(table.name[table.real], table.duration[table.real])
    buckets = table.summaries.buckets
    bucket_name = table.name[table.summaries.row[buckets.summary]]
    middles = _by_name(bucket_name, buckets.middle_ns)
    bucket_calls = _by_name(bucket_name, buckets.calls)
    extremes = _extremes(table)
    rows = []
    for code in occurring(table.name[table.real | table.summary], count).tolist():
        quantiles = _quantiles(durations.get(code), middles.get(code), bucket_calls.get(code))
        shortest, longest = extremes[code]
        rows.append(
            OperationTime(
                name=table.names[code],
                category=categories.get(code, ""),
                calls=calls[code],
                total_ns=totals[code],
                self_ns=selfs[code],
                share=share(selfs[code], total_self_ns),
                share_ci=None,
                mean_ns=totals[code] / max(1, calls[code]),
                p50_ns=quantiles.p50_ns,
                p95_ns=quantiles.p95_ns,
                p99_ns=quantiles.p99_ns,
                min_ns=shortest,
                max_ns=longest,
                quantile_method=quantiles.method,
            )
        )
    return sorted(rows, key=lambda row: (-row.self_ns, row.name))


def _by_name(name: Labels, values: Ints) -> dict[int, Ints]:
    """The values of each name."""
    order = np.argsort(name, kind="stable")
    ordered = name[order]
    starts = starts_of_runs(ordered)
    return dict(zip(ordered[starts].tolist(), np.split(values[order], starts[1:]), strict=False))


def _extremes(table: SpanTable) -> list[tuple[int, int]]:
    """Shortest and longest call of each name."""
    shortest = np.full(len(table.names), np.iinfo(np.int64).max)
    longest = np.zeros(len(table.names), np.int64)
    for name, low, high in (
        (table.name[table.real], table.duration[table.real], table.duration[table.real]),
        (table.name[table.summaries.row], table.summaries.shortest, table.summaries.longest),
    ):
        np.minimum.at(shortest, name, low)
        np.maximum.at(longest, name, high)
    return list(zip(shortest.tolist(), longest.tolist(), strict=True))


def _quantiles(durations: Ints | None, middles: Ints | None, calls: Ints | None) -> Quantiles:
    none = np.zeros(0, np.int64)
    if middles is None or calls is None:
        return Quantiles(0, 0, 0, EXACT) if durations is None else exact_quantiles(durations)
    return mixed_quantiles(none if durations is None else durations, middles, calls)


def _categories(table: SpanTable, self_ns: Ints) -> dict[int, str]:
    """The category of each name."""
    count = len(table.categories)
    pairs = table.name.astype(np.int64) * count + table.category
    names_in_categories, position = distinct(pairs, len(table.names) * count)
    self_times = sum_by(position, self_ns, names_in_categories.size)
    by_name: dict[int, dict[str, int]] = defaultdict(dict)
    for pair, ns in zip(names_in_categories.tolist(), self_times.tolist(), strict=True):
        name, category = divmod(pair, count)
        by_name[name][table.categories[category]] = ns
    return {name: largest_category(by_category) for name, by_category in by_name.items()}


def largest_category(self_ns: Mapping[str, int]) -> str:
    """The category with the greatest self time, then by name; no category comes last."""
    return min(self_ns, key=lambda text: (-self_ns[text], text == "", text))


UNCATEGORIZED: Final = "uncategorized"
_COMPUTATION: Final = frozenset({Category.COMPUTATION.value, Category.USER.value})


class CategoryTime(Struct, frozen=True, gc=False):
    """Self time of one kind of work, ns."""

    name: str
    self_ns: int
    share: float | None


class ProcessTime(Struct, frozen=True, gc=False):
    """Calls and self time (ns) in one process."""

    process: str
    calls: int
    self_ns: int
    share: float | None


def categories(table: SpanTable, self_ns: Ints) -> list[CategoryTime]:
    """Self time of every category that occurs, greatest first."""
    self_times = sum_by(table.category, self_ns, len(table.categories)).tolist()
    counted = table.category[table.real | table.summary]
    occurs = occurring(counted, len(table.categories)).tolist()
    return category_rows({table.categories[code]: self_times[code] for code in occurs})


def category_rows(self_ns: Mapping[str, int]) -> list[CategoryTime]:
    """Rows of self times (ns) by category, greatest first; "" is no category."""
    total_ns = sum(self_ns.values())
    rows = [
        CategoryTime(name or UNCATEGORIZED, ns, share(ns, total_ns)) for name, ns in self_ns.items()
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, row.name))


def process_times(table: SpanTable, weights: Weights, self_ns: Ints) -> list[ProcessTime]:
    """Calls and self time of every process, greatest self time first."""
    self_times = sum_by(table.process, self_ns, len(table.processes)).tolist()
    calls = sum_by(table.process, weights.calls, len(table.processes)).tolist()
    return process_rows(list(zip(table.processes, calls, self_times, strict=True)))


def process_rows(self_times: Sequence[tuple[Origin, int, int]]) -> list[ProcessTime]:
    """Rows of calls and self times (ns) by process, greatest self time first."""
    total_ns = sum(self_ns for _, _, self_ns in self_times)
    rows = [
        ProcessTime(process.process, calls, self_ns, share(self_ns, total_ns))
        for process, calls, self_ns in self_times
        if calls
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, row.process))


def overhead_to_computation(rows: list[CategoryTime]) -> float | None:
    """Self time of other categories ÷ that of `computation` and `user`; None without these.

    Operations without a category are left out.
    """
    computation = sum(row.self_ns for row in rows if row.name in _COMPUTATION)
    overhead = sum(
        row.self_ns for row in rows if row.name not in _COMPUTATION and row.name != UNCATEGORIZED
    )
    return overhead / computation if computation else None


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
    return call_path_rows(
        above.tolist(), [texts[code] for code in name.tolist()], calls, totals, selfs
    )


def call_path_rows(
    parents: Sequence[int],
    names: Sequence[str],
    calls: Sequence[int],
    totals: Sequence[int],
    selfs: Sequence[int],
) -> list[CallPathTime]:
    """Rows of the nodes of a tree of paths, in order.

    Args:
        parents: index of the parent of each node, smaller than its own; -1 for none.
        names: of each node.
        calls: of each node.
        totals: ns, of each node.
        selfs: ns, of each node.
    """
    total_self_ns = sum(selfs)
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
            share_of_self = share(selfs[row], total_self_ns)
            rows.append(CallPathTime(path, calls[row], totals[row], selfs[row], share_of_self))
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
    node_count = 0
    rows = np.flatnonzero(~table.exemplar)
    rows = rows[np.argsort(depth[rows].astype(np.int16), kind="stable")]
    for level in np.split(rows, starts_of_runs(depth[rows])[1:]):
        above = np.where(parent[level] == NO_PARENT, NO_PARENT, node[parent[level]])
        keys = (above + 1).astype(np.int64) * (len(table.names) + 1) + name[level]
        pairs, position = distinct(keys, (node_count + 1) * (len(table.names) + 1))
        node[level] = position + node_count
        node_count += pairs.size
        parents.append(pairs // (len(table.names) + 1) - 1)
        names.append(pairs % (len(table.names) + 1))
    none = np.zeros(0, np.int64)
    return (
        node,
        np.concatenate([none, *parents]).astype(np.int32),
        np.concatenate([none, *names]).astype(np.int32),
    )
