"""The process and the run of every span, and shifts between the clocks of processes.

Clocks are shifted only where causality requires it.

A span in another process than its parent cannot have begun before its parent. Where it seems to,
the clock of its process is behind by at least the difference, and all spans of the process are
moved later by the smallest shift that corrects this; their children in other processes may then
have to follow. A child that ends after its parent proves nothing: it may outlive it. Requirements
that contradict each other (each of two processes is behind the other) cannot come from shifted
clocks: these processes, and those that depend on them, stay unchanged. Nor is a difference of more
than a day a shifted clock: the time of a span is invalid.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Codes, Ints, Mask, distinct
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.columns import Builder, Columns, Interner
from rbtrace.analysis.table import RunOrigin, SpanTable

_BY_TRACE = -1


class Origins(NamedTuple):
    """Process and run of each span, as codes of `processes` and `runs`.

    `recorded` says for each run whether it has a run id; otherwise its id is that of its trace.
    """

    process: Codes
    run: Codes
    processes: list[Origin]
    runs: list[RunOrigin]
    recorded: Mask


def settle_origins(builder: Builder, columns: Columns) -> Origins:
    """Process and run of each span; its own attributes take precedence over its resource."""
    origin = _span_origins(builder, columns)
    origins = builder.origins.values_by_code or [Origin()]
    processes = Interner[Origin]()
    process = np.array(
        [
            processes[Origin(origin.host, origin.pid, origin.instance, origin.service)]
            for origin in origins
        ],
        np.int32,
    )
    runs = Interner[str]()
    run = np.array(
        [runs[origin.run_id] if origin.run_id else _BY_TRACE for origin in origins], np.int32
    )
    run_origins = _run_origins(runs.values_by_code, origins)
    recorded = np.ones(len(run_origins), np.bool_)
    run_of_span = run[origin]
    without_run = run_of_span == _BY_TRACE
    if without_run.any():
        traces, position = np.unique(columns.trace[without_run], return_inverse=True)
        run_of_span[without_run] = position + len(run_origins)
        recorded = np.append(recorded, np.zeros(traces.size, np.bool_))
        run_origins += [RunOrigin(builder.traces.values_by_code[trace]) for trace in traces]
    return Origins(process[origin], run_of_span, processes.values_by_code, run_origins, recorded)


def _span_origins(builder: Builder, columns: Columns) -> Codes:
    """Origin of each span, with the fields that its own attributes change."""
    shared = builder.shared.values_by_code
    moved = np.array([bool(attributes.moved) for attributes in shared] or [False])[columns.shared]
    origin = columns.origin
    if not moved.any():
        return origin
    origin = origin.copy()
    pairs = origin[moved].astype(np.int64) * len(shared) + columns.shared[moved]
    distinct, position = np.unique(pairs, return_inverse=True)
    codes = []
    for pair in distinct.tolist():
        base, code = divmod(pair, len(shared))
        own = builder.origins.values_by_code[base]._replace(**dict(shared[code].moved))
        codes.append(builder.origins[own])
    origin[moved] = np.array(codes, np.int32)[position]
    return origin


def _run_origins(run_ids: list[str], origins: list[Origin]) -> list[RunOrigin]:
    """The arm, pair and order of each run; the smallest, if its processes disagree."""
    described: dict[str, set[RunOrigin]] = {}
    for origin in origins:
        described.setdefault(origin.run_id, set()).add(
            RunOrigin(origin.run_id, origin.arm, origin.pair, origin.order)
        )
    return [
        RunOrigin(
            run_id,
            min(
                (origin.arm for origin in described[run_id] if origin.arm is not None), default=None
            ),
            min(
                (origin.pair for origin in described[run_id] if origin.pair is not None),
                default=None,
            ),
            min(
                (origin.order for origin in described[run_id] if origin.order is not None),
                default=None,
            ),
        )
        for run_id in run_ids
    ]


LONGEST_SHIFT_NS: Final = 86_400_000_000_000
"""A difference of more than a day is no shift: a time is invalid."""


def settle_clocks(table: SpanTable) -> dict[str, int]:
    """Move the spans of processes whose clocks are behind.

    Returns:
        By how much each process was moved, ns, by its name; only those that were.
    """
    shifts = least_shifts(len(table.processes), *_demands(table))
    if not shifts.any():
        return {}
    moved = shifts[table.process]
    table.start += moved
    table.end += moved
    return named_shifts(table.processes, shifts)


def named_shifts(processes: list[Origin], shifts: Ints) -> dict[str, int]:
    """The shifts other than 0 ns, by name of the process."""
    moved: dict[str, int] = {}
    for origin, shift in zip(processes, shifts.tolist(), strict=True):
        if shift:
            moved[origin.process] = max(shift, moved.get(origin.process, 0))
    return dict(sorted(moved.items()))


def least_shifts(size: int, above: Codes, below: Codes, behind: Ints) -> Ints:
    """The smallest shift of each process, ≥ 0, so that no child begins before its parent.

    Args:
        size: number of processes.
        above: processes that caused work in another.
        below: for each, the other.
        behind: by how much the other is behind, at least, ns.
    """
    shifts = np.zeros(size, np.int64)
    if not (behind > 0).any():
        return shifts
    # Shifts that still grow after as many rounds as there are processes will always grow.
    for _ in range(shifts.size):
        demanded = shifts.copy()
        np.maximum.at(demanded, below, shifts[above] + behind)
        if np.array_equal(demanded, shifts):
            return shifts
        shifts = demanded
    contradictory = np.zeros(shifts.size, np.bool_)
    for _ in range(shifts.size):
        grows = shifts[above] + behind > shifts[below]
        contradictory[below[grows]] = True
        np.maximum.at(shifts, below, shifts[above] + behind)
    kept = ~(contradictory[above] | contradictory[below])
    return _least(shifts.size, above[kept], below[kept], behind[kept])


def _least(size: int, above: Codes, below: Codes, behind: Ints) -> Ints:
    """The smallest shifts under requirements that do not contradict each other."""
    shifts = np.zeros(size, np.int64)
    for _ in range(size):
        np.maximum.at(shifts, below, shifts[above] + behind)
    return shifts


def _demands(table: SpanTable) -> tuple[Codes, Codes, Ints]:
    """Pairs of processes of parents and children: how far the second is behind, ns."""
    parent = table.real_parent
    rows = np.flatnonzero(table.real & (parent != NO_PARENT))
    rows = rows[table.process[rows] != table.process[parent[rows]]]
    late = table.start[parent[rows]] - table.start[rows]
    rows, late = rows[np.abs(late) <= LONGEST_SHIFT_NS], late[np.abs(late) <= LONGEST_SHIFT_NS]
    count = len(table.processes)
    pairs = table.process[parent[rows]].astype(np.int64) * count + table.process[rows]
    pairs, position = distinct(pairs, count * count)
    behind = np.full(pairs.size, -LONGEST_SHIFT_NS)
    np.maximum.at(behind, position, late)
    above, below = np.divmod(pairs, count)
    return above.astype(np.int32), below.astype(np.int32), behind
