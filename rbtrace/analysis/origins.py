"""Which process and which run every span belongs to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Codes, Mask
from rbtrace.analysis.columns import Builder, Columns, Interner
from rbtrace.analysis.facts import Origin
from rbtrace.analysis.table import RunOrigin

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
    """Find process and run; what is set on a span goes before what its resource says."""
    origin = _moved(builder, columns)
    origins = builder.origins.values_by_code or [Origin()]
    processes = Interner[Origin]()
    process = np.array(
        [processes[Origin(one.host, one.pid, one.instance, one.service)] for one in origins],
        np.int32,
    )
    runs = Interner[str]()
    run = np.array([runs[one.run_id] if one.run_id else _BY_TRACE for one in origins], np.int32)
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
    facts = builder.facts.values_by_code
    moves = np.array([bool(one.moved) for one in facts] or [False])[columns.facts]
    origin = columns.origin
    if not moves.any():
        return origin
    origin = origin.copy()
    pairs = origin[moves].astype(np.int64) * len(facts) + columns.facts[moves]
    distinct, position = np.unique(pairs, return_inverse=True)
    codes = []
    for pair in distinct.tolist():
        base, fact = divmod(pair, len(facts))
        own = builder.origins.values_by_code[base]._replace(**dict(facts[fact].moved))
        codes.append(builder.origins[own])
    origin[moves] = np.array(codes, np.int32)[position]
    return origin


def _described(run_ids: list[str], origins: list[Origin]) -> list[RunOrigin]:
    """What the processes of each run say of it; where they disagree, the least of what they say."""
    said: dict[str, set[RunOrigin]] = {}
    for one in origins:
        said.setdefault(one.run_id, set()).add(RunOrigin(one.run_id, one.arm, one.pair, one.order))
    return [
        RunOrigin(
            run_id,
            min((one.arm for one in said[run_id] if one.arm is not None), default=None),
            min((one.pair for one in said[run_id] if one.pair is not None), default=None),
            min((one.order for one in said[run_id] if one.order is not None), default=None),
        )
        for run_id in run_ids
    ]
