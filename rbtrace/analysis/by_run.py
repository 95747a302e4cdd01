"""Figures of each run apart: what comparisons and intervals over runs are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import Ints, Labels, distinct, sum_by
from rbtrace.analysis.paths import DEEPER, path_nodes
from rbtrace.analysis.runs import Run, runs
from rbtrace.analysis.table import SpanTable
from rbtrace.analysis.weights import Weights

type CallPathKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run. Times in ns, the start in epoch ns.

    `self_ns` is by operation, `calls` by call path; operations and paths without a call are not
    there. `fingerprints` are those of all backtests of the run, sorted.
    """

    run: Run
    started_ns: int
    hosts: tuple[str, ...]
    self_ns: Mapping[str, int]
    calls: Mapping[CallPathKey, int]
    fingerprints: tuple[str, ...]


def figures_by_run(table: SpanTable, weights: Weights, self_ns: Ints) -> list[RunFigures]:
    """The figures of every run, by run id."""
    named = {one.run_id: code for code, one in enumerate(table.runs)}
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
    for row, extra in table.extras.items():
        if extra.fingerprint is not None:
            fingerprints.setdefault(int(table.run[row]), []).append(extra.fingerprint)
    return [
        RunFigures(
            run=one,
            started_ns=int(started[code]),
            hosts=tuple(sorted(hosts[code])),
            self_ns=selfs[code],
            calls=calls.get(code, {}),
            fingerprints=tuple(sorted(fingerprints.get(code, ()))),
        )
        for one in runs(table)
        for code in (named[one.run_id],)
    ]


def self_by_run(table: SpanTable, self_ns: Ints) -> list[dict[str, int]]:
    """Self time of each operation in each run, ns; operations that a run has no call of are not."""
    counted = table.real | table.summary
    sums = _sums(
        table.run[counted], table.name[counted], self_ns[counted], len(table.runs), len(table.names)
    )
    found: list[dict[str, int]] = [{} for _ in table.runs]
    for run, name, spent in sums:
        found[run][table.names[name]] = spent
    return found


def _calls(table: SpanTable, weights: Weights) -> dict[int, dict[CallPathKey, int]]:
    node, above, name = path_nodes(table)
    texts = [*table.names, DEEPER]
    paths: list[CallPathKey] = []
    for parent, code in zip(above.tolist(), name.tolist(), strict=True):
        paths.append((*(paths[parent] if parent != NO_PARENT else ()), texts[code]))
    counted = table.real | table.summary
    found: dict[int, dict[CallPathKey, int]] = {}
    for run, one, calls in _sums(
        table.run[counted], node[counted], weights.calls[counted], len(table.runs), len(paths)
    ):
        found.setdefault(run, {})[paths[one]] = calls
    return found


def _sums(
    run: Labels, code: Labels, values: Ints, many: int, codes: int
) -> list[tuple[int, int, int]]:
    """Sum values per run (of so many) and code (of so many): (run, code, sum) of all that occur."""
    pairs = run.astype(np.int64) * codes + code
    keys, position = distinct(pairs, many * codes)
    sums = sum_by(position, values, keys.size).tolist()
    return [(*divmod(key, codes), spent) for key, spent in zip(keys.tolist(), sums, strict=True)]
