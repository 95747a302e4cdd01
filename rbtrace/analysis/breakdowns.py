"""Breakdowns of the time: by operation, kind of work, process, and sampled function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from rbtrace.analysis.arrays import Ints, Labels, distinct, occurring, share, starts_of_runs, sum_by
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.distributions import EXACT, Quantiles, exact_quantiles, mixed_quantiles
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
    everything = sum(selfs)
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
                share=share(selfs[code], everything),
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
    # Sixteen-bit codes sort by radix, several times faster.
    small = name.astype(np.int16) if name.size and name.max() < 2**15 else name
    order = np.argsort(small, kind="stable")
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
    many = len(table.categories)
    pairs = table.name.astype(np.int64) * many + table.category
    names_in_categories, position = distinct(pairs, len(table.names) * many)
    spent = sum_by(position, self_ns, names_in_categories.size)
    by_name: dict[int, dict[str, int]] = defaultdict(dict)
    for pair, ns in zip(names_in_categories.tolist(), spent.tolist(), strict=True):
        name, category = divmod(pair, many)
        by_name[name][table.categories[category]] = ns
    return {name: largest_category(spent_in) for name, spent_in in by_name.items()}


def largest_category(self_ns: Mapping[str, int]) -> str:
    """Of several categories, the one with most self time, then by name; none comes last."""
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
        ProcessTime(process.process, calls, self_ns, share(self_ns, whole))
        for process, calls, self_ns in spent
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


class FunctionTime(Struct, frozen=True):
    """One function in the stack samples that were taken beside the spans.

    Attributes:
        name: qualified name.
        file: where it is, as the program saw it; empty if it is not a function's.
        line: where it begins, 0 if that is not known.
        samples: how many found it on top of the stack.
        self_ns: what these samples stand for.
        total_ns: what the samples stand for that found it anywhere in the stack.
        share: self time ÷ that of all functions.
    """

    name: str
    file: str
    line: int
    samples: int
    self_ns: int
    total_ns: int
    share: float | None
