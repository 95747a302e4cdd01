"""Runs: their wall time, and the figures of each that comparisons and intervals are made of.

The wall time of a run is the union of its real spans, so that gaps don't count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Ints, Labels, distinct, occurring, sum_by, union_lengths
from rbtrace.analysis.paths import DEEPER, path_nodes
from rbtrace.analysis.table import SpanTable, Weights


class TracedRun(Struct, frozen=True, gc=False):
    """One run: `rbtrace.run.id`, or a trace id where there is none. Wall time in ns.

    `pair` and `order` are its place in a benchmark of pairs, None elsewhere.
    """

    run_id: str
    arm: str | None
    wall_ns: int
    pair: int | None = None
    order: int | None = None


def runs(table: SpanTable) -> list[TracedRun]:
    """All runs, by id."""
    parent = table.real_parent
    # A span within its parent adds nothing to the union, if they are of the same run.
    inside = (
        (parent != NO_PARENT)
        & (table.start >= table.start[parent])
        & (table.end <= table.end[parent])
        & (table.run == table.run[parent])
    )
    rows = np.flatnonzero(table.real & ~inside)
    run, start, end = table.run[rows], table.start[rows], table.end[rows]
    first = np.full(len(table.runs), np.iinfo(np.int64).max)
    last = np.zeros(len(table.runs), np.int64)
    np.minimum.at(first, run, start)
    np.maximum.at(last, run, end)
    walls = union_lengths(run, start, end, first, np.maximum(last - first, 0)).tolist()
    run_rows = [
        TracedRun(origin.run_id, origin.arm, wall, origin.pair, origin.order)
        for origin, wall in zip(table.runs, walls, strict=True)
    ]
    occurs = occurring(table.run, len(run_rows)).tolist()
    return sorted((run_rows[code] for code in occurs), key=lambda run: run.run_id)


type CallPathKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run. Times in ns, the start in epoch ns.

    `self_ns` is by operation, `calls` by call path; operations and paths without a call are not
    there. `fingerprints` are those of all backtests of the run, sorted.
    """

    run: TracedRun
    started_ns: int
    hosts: tuple[str, ...]
    self_ns: Mapping[str, int]
    calls: Mapping[CallPathKey, int]
    fingerprints: tuple[str, ...]


def figures_by_run(table: SpanTable, weights: Weights, self_ns: Ints) -> list[RunFigures]:
    """The figures of every run, by run id."""
    named = {origin.run_id: code for code, origin in enumerate(table.runs)}
    selfs = self_by_run(table, self_ns)
    calls = _calls(table, weights)
    started = np.full(len(table.runs), np.iinfo(np.int64).max)
    np.minimum.at(started, table.run[~table.summary], table.start[~table.summary])
    hosts: dict[int, set[str]] = {}
    many = len(table.processes)
    pairs, _ = distinct(table.run.astype(np.int64) * many + table.process, len(table.runs) * many)
    for run, process in zip(*(part.tolist() for part in np.divmod(pairs, many)), strict=True):
        hosts.setdefault(run, set()).add(table.processes[process].host)
    fingerprints: dict[int, list[str]] = {}
    for row, own in table.own_attributes.items():
        if own.fingerprint is not None:
            fingerprints.setdefault(int(table.run[row]), []).append(own.fingerprint)
    return [
        RunFigures(
            run=traced_run,
            started_ns=int(started[code]),
            hosts=tuple(sorted(hosts[code])),
            self_ns=selfs[code],
            calls=calls.get(code, {}),
            fingerprints=tuple(sorted(fingerprints.get(code, ()))),
        )
        for traced_run in runs(table)
        for code in (named[traced_run.run_id],)
    ]


def self_by_run(table: SpanTable, self_ns: Ints) -> list[dict[str, int]]:
    """Self time of each operation in each run, ns; operations that a run has no call of are not."""
    counted = table.real | table.summary
    sums = _sums(
        table.run[counted], table.name[counted], self_ns[counted], len(table.runs), len(table.names)
    )
    by_run: list[dict[str, int]] = [{} for _ in table.runs]
    for run, name, spent in sums:
        by_run[run][table.names[name]] = spent
    return by_run


def _calls(table: SpanTable, weights: Weights) -> dict[int, dict[CallPathKey, int]]:
    node, above, name = path_nodes(table)
    texts = [*table.names, DEEPER]
    paths: list[CallPathKey] = []
    for parent, code in zip(above.tolist(), name.tolist(), strict=True):
        paths.append((*(paths[parent] if parent != NO_PARENT else ()), texts[code]))
    counted = table.real | table.summary
    by_run: dict[int, dict[CallPathKey, int]] = {}
    for run, path, calls in _sums(
        table.run[counted], node[counted], weights.calls[counted], len(table.runs), len(paths)
    ):
        by_run.setdefault(run, {})[paths[path]] = calls
    return by_run


def _sums(
    run: Labels, code: Labels, values: Ints, many: int, codes: int
) -> list[tuple[int, int, int]]:
    """Sum values per run (of so many) and code (of so many): (run, code, sum) of all that occur."""
    pairs = run.astype(np.int64) * codes + code
    keys, position = distinct(pairs, many * codes)
    sums = sum_by(position, values, keys.size).tolist()
    return [(*divmod(key, codes), spent) for key, spent in zip(keys.tolist(), sums, strict=True)]
