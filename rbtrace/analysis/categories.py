"""Self time by kind of work and by process, and the ratio of overhead to computation."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rbtrace.analysis.arrays import Ints, Labels, occurring, sum_by
from rbtrace.analysis.shares import share
from rbtrace.analysis.table import SpanTable
from rbtrace.analysis.weights import Weights
from rbtrace.conventions import Category

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
    spent = _sums(table.category, self_ns, len(table.categories))
    counted = table.category[table.real | table.summary]
    rows = [
        CategoryTime(
            table.categories[code] or UNCATEGORIZED, spent[code], share(spent[code], sum(spent))
        )
        for code in occurring(counted, len(table.categories)).tolist()
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, row.name))


def process_times(table: SpanTable, weights: Weights, self_ns: Ints) -> list[ProcessTime]:
    """Calls and self time of every process, greatest self time first."""
    spent = _sums(table.process, self_ns, len(table.processes))
    calls = _sums(table.process, weights.calls, len(table.processes))
    rows = [
        ProcessTime(one.process, calls[code], spent[code], share(spent[code], sum(spent)))
        for code, one in enumerate(table.processes)
        if calls[code]
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, row.process))


def overhead_to_computation(rows: list[CategoryTime]) -> float | None:
    """Self time of the other categories ÷ that of `computation` and `user`; None without these.

    What has no category is on neither side.
    """
    computation = sum(row.self_ns for row in rows if row.name in _COMPUTATION)
    overhead = sum(
        row.self_ns for row in rows if row.name not in _COMPUTATION and row.name != UNCATEGORIZED
    )
    return overhead / computation if computation else None


def _sums(codes: Labels, values: Ints, count: int) -> list[int]:
    sums: list[int] = sum_by(codes, values, count).tolist()
    return sums
