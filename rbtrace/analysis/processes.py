"""The process and the run of every span, and shifts between the clocks of processes.

Clocks are shifted only where cause and effect demand it.

A span in another process than its parent cannot have begun before its parent did. Where it seems
to, the clock of its process is behind, by at least the difference, and all spans of the process
are moved later by the least that sets this right; their own children in other processes may then
have to follow. A child that ends after its parent proves nothing: it may outlive it. Demands that
contradict each other (each of two processes is behind the other) cannot come from shifted clocks;
the processes involved, and those that depend on them, stay as they are. Nor is a difference of
more than a day a shifted clock: it is a span with a broken time.
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

    `recorded` tells for each run whether it has a run id; otherwise its id is its trace's.
    """

    process: Codes
    run: Codes
    processes: list[Origin]
    runs: list[RunOrigin]
    recorded: Mask


def settle_origins(builder: Builder, columns: Columns) -> Origins:
    """Find process and run; a span's own attributes go before those of its resource."""
    origin = _moved(builder, columns)
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
    named = _described(runs.values_by_code, origins)
    recorded = np.ones(len(named), np.bool_)
    run_of_span = run[origin]
    alone = run_of_span == _BY_TRACE
    if alone.any():
        traces, position = np.unique(columns.trace[alone], return_inverse=True)
        run_of_span[alone] = position + len(named)
        recorded = np.append(recorded, np.zeros(traces.size, np.bool_))
        named += [RunOrigin(builder.traces.values_by_code[trace]) for trace in traces]
    return Origins(process[origin], run_of_span, processes.values_by_code, named, recorded)


def _moved(builder: Builder, columns: Columns) -> Codes:
    """Origin of each span, with what its own attributes say."""
    shared = builder.shared.values_by_code
    moves = np.array([bool(attributes.moved) for attributes in shared] or [False])[columns.shared]
    origin = columns.origin
    if not moves.any():
        return origin
    origin = origin.copy()
    pairs = origin[moves].astype(np.int64) * len(shared) + columns.shared[moves]
    distinct, position = np.unique(pairs, return_inverse=True)
    codes = []
    for pair in distinct.tolist():
        base, code = divmod(pair, len(shared))
        own = builder.origins.values_by_code[base]._replace(**dict(shared[code].moved))
        codes.append(builder.origins[own])
    origin[moves] = np.array(codes, np.int32)[position]
    return origin


def _described(run_ids: list[str], origins: list[Origin]) -> list[RunOrigin]:
    """The arm, pair and order of each run; where its processes disagree, the least."""
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


FARTHEST: Final = 86_400_000_000_000
"""A difference of more than a day, in ns, is a broken time."""


def settle_clocks(table: SpanTable) -> dict[str, int]:
    """Move the spans of processes whose clocks are behind.

    Returns:
        By how much each process was moved, ns, by its name; only those that were.
    """
    shifts = least_shifts(len(table.processes), *_demands(table))
    if not shifts.any():
        return {}
    moves = shifts[table.process]
    table.start += moves
    table.end += moves
    return named_shifts(table.processes, shifts)


def named_shifts(processes: list[Origin], shifts: Ints) -> dict[str, int]:
    """The shifts that are none of 0 ns, by name of the process."""
    moved: dict[str, int] = {}
    for origin, shift in zip(processes, shifts.tolist(), strict=True):
        if shift:
            moved[origin.process] = max(shift, moved.get(origin.process, 0))
    return dict(sorted(moved.items()))


def least_shifts(size: int, above: Codes, below: Codes, behind: Ints) -> Ints:
    """The least shift of each process, ≥ 0, that lets no child begin before its parent.

    Args:
        size: how many processes there are.
        above: processes that caused work in another.
        below: for each, the other.
        behind: by how much the other is behind, at least, ns.
    """
    shifts = np.zeros(size, np.int64)
    if not (behind > 0).any():
        return shifts
    # Shifts that are still growing after as many rounds as there are processes never stop.
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
    """The least shifts under demands that do not contradict each other."""
    shifts = np.zeros(size, np.int64)
    for _ in range(size):
        np.maximum.at(shifts, below, shifts[above] + behind)
    return shifts


def _demands(table: SpanTable) -> tuple[Codes, Codes, Ints]:
    """For each pair of a process and one it caused work in: how far the second is behind, ns."""
    parent = table.real_parent
    rows = np.flatnonzero(table.real & (parent != NO_PARENT))
    rows = rows[table.process[rows] != table.process[parent[rows]]]
    late = table.start[parent[rows]] - table.start[rows]
    rows, late = rows[np.abs(late) <= FARTHEST], late[np.abs(late) <= FARTHEST]
    many = len(table.processes)
    pairs = table.process[parent[rows]].astype(np.int64) * many + table.process[rows]
    pairs, position = distinct(pairs, many * many)
    behind = np.full(pairs.size, -FARTHEST)
    np.maximum.at(behind, position, late)
    above, below = np.divmod(pairs, many)
    return above.astype(np.int32), below.astype(np.int32), behind
