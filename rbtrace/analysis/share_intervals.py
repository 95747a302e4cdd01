"""Intervals of shares: how far a share would move if the same runs were made again.

The run is the unit. With fewer than five, or with runs of several configurations, there is none,
and `note` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from rbtrace.analysis.arrays import Ints
from rbtrace.analysis.breakdowns import OperationTime
from rbtrace.analysis.runs import self_by_run
from rbtrace.analysis.table import SpanTable
from rbtrace.statistics.diagnostics import LEAST_RUNS
from rbtrace.statistics.findings import GIANT_SPAN
from rbtrace.statistics.shares import ENOUGH_K_EFF, share_interval

_OFTEN = 10
"""Calls per run from which one call should not be a tenth of all time."""
_ROUNDING = 1e-9


class OperationsWithIntervals(NamedTuple):
    """Operations with the intervals of their shares; why there are none, else ""; warnings."""

    operations: list[OperationTime]
    note: str
    warnings: list[str]


def with_intervals(
    operations: list[OperationTime], table: SpanTable, self_ns: Ints
) -> OperationsWithIntervals:
    """Add the interval of its share to every operation, where the runs allow one."""
    return over_runs(
        operations,
        self_by_run(table, self_ns),
        len({run.arm for run in table.runs}),
        lambda: _largest(table, self_ns),
    )


def over_runs(
    operations: list[OperationTime],
    by_run: list[dict[str, int]],
    arms: int,
    largest_calls: Callable[[], dict[str, int]],
) -> OperationsWithIntervals:
    """Add the interval of its share to every operation, where the runs allow one.

    Args:
        operations: the operations of all runs together.
        by_run: for each run, the self time of its operations, ns.
        arms: of how many arms the runs are.
        largest_calls: gives the longest time, by operation, that one call spent in itself, ns.
    """
    counted = (spent for spent in by_run if sum(spent.values()) > 0)
    # Sums of floats depend on their order, and this one not on what was read first.
    of_runs = sorted(counted, key=lambda spent: sorted(spent.items()))
    wholes = [sum(spent.values()) for spent in of_runs]
    if note := _why_none(wholes, arms):
        return OperationsWithIntervals(operations, note, [])
    largest = largest_calls()
    rows, warnings = [], []
    for operation in operations:
        often = operation.calls > _OFTEN * len(of_runs)
        interval = share_interval(
            [spent.get(operation.name, 0) for spent in of_runs],
            wholes,
            largest_span=largest[operation.name] if often else None,
        )
        rows.append(replace(operation, share_ci=interval.ci))
        warnings += [
            f"share of {operation.name}: {warning.message}"
            for warning in interval.warnings
            if warning == GIANT_SPAN
        ]
    return OperationsWithIntervals(rows, "", warnings)


def _why_none(wholes: list[int], arms: int) -> str:
    """Why there can be no intervals; "" if there can."""
    if arms > 1:
        return "No intervals of shares: the runs are of several arms."
    runs = "1 run" if len(wholes) == 1 else f"{len(wholes)} runs"
    if len(wholes) < LEAST_RUNS:
        return f"No intervals of shares: {runs}, and they need {LEAST_RUNS}."
    k_eff = sum(wholes) ** 2 / sum(whole**2 for whole in wholes)
    if k_eff < ENOUGH_K_EFF - _ROUNDING:
        return (
            f"No intervals of shares: {runs} of so unequal length count for {k_eff:.1f}, and they "
            f"need {ENOUGH_K_EFF}."
        )
    return ""


def _largest(table: SpanTable, self_ns: Ints) -> dict[str, int]:
    """The longest time, by operation, that one call spent in itself: at most, for summaries."""
    longest = np.zeros(len(table.names), np.int64)
    np.maximum.at(longest, table.name[table.real], self_ns[table.real])
    summaries = table.summaries
    at_most = np.minimum(summaries.longest, summaries.self_ns)
    np.maximum.at(longest, table.name[summaries.row], at_most)
    return dict(zip(table.names, longest.tolist(), strict=True))
