"""Self time by kind of work and by process, and the ratio of overhead to computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from rbtrace.analysis.arrays import Ints, Labels, occurring, sum_by
from rbtrace.analysis.facts import Origin
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
    occurs = occurring(counted, len(table.categories)).tolist()
    return category_rows({table.categories[code]: spent[code] for code in occurs})


def category_rows(self_ns: Mapping[str, int]) -> list[CategoryTime]:
    """Rows of self times (ns) by category, greatest first; "" is no category."""
    whole = sum(self_ns.values())
    rows = [
        CategoryTime(name or UNCATEGORIZED, spent, share(spent, whole))
        for name, spent in self_ns.items()
    ]
    return sorted(rows, key=lambda row: (-row.self_ns, row.name))


def process_times(table: SpanTable, weights: Weights, self_ns: Ints) -> list[ProcessTime]:
    """Calls and self time of every process, greatest self time first."""
    spent = _sums(table.process, self_ns, len(table.processes))
    calls = _sums(table.process, weights.calls, len(table.processes))
    return process_rows(list(zip(table.processes, calls, spent, strict=True)))


def process_rows(spent: Sequence[tuple[Origin, int, int]]) -> list[ProcessTime]:
    """Rows of calls and self times (ns) by process, greatest self time first."""
    whole = sum(self_ns for _, _, self_ns in spent)
    rows = [
        ProcessTime(one.process, calls, self_ns, share(self_ns, whole))
        for one, calls, self_ns in spent
        if calls
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
