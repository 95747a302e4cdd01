"""Parallel work: regions, with how busy their workers were, and the trials of searches.

A parallel region is a span whose children run in other processes. It lasts from the first dispatch
to the last result. Its tasks are the dispatcher's children in other processes, its workers these
processes. A dispatcher that says how many workers it starts dispatches from its start on, so that
starting them is seen; any other parent may have done something else before, and its region begins
with its first task. The last result is the end of the last task, or of the dispatcher if a task
outlives it.

Busy is the union of a worker's tasks, all else in the region is idle: start-up before its first
task, tail after its last, queueing between tasks. A worker that was asked for and had no task is
unused. Overhead, region × workers − Σ busy, is the sum of these four.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.arrays import exact_quantiles, share, union_lengths
from rbtrace.analysis.attributes import OwnAttributes
from rbtrace.analysis.table import SpanTable


class Region(Struct, frozen=True, gc=False):
    """One parallel region; times in ns, summed over its workers.

    `overhead_ns` is region × workers − Σ busy, divided into `startup_ns`, `queueing_ns`, `tail_ns`
    and `unused_ns`; these are None where more processes had tasks than there were workers: they
    replaced each other, and when is not recorded. `cpu_ns`, `runqueue_ns` and `blocked_ns` divide
    the busy time; None where they were not recorded.
    """

    name: str
    start_ns: int
    end_ns: int
    workers: int
    overhead_ns: int
    busy_ns: int
    tasks: int
    utilisation: float | None
    startup_ns: int | None
    queueing_ns: int | None
    tail_ns: int | None
    unused_ns: int | None
    cpu_ns: int | None
    runqueue_ns: int | None
    blocked_ns: int | None
    process: str


class RegionWorker(Struct, frozen=True, gc=False):
    """One process in one region; times in ns.

    `cpu_ns` and `runqueue_ns` are sums over tasks, None where they were not recorded;
    `blocked_ns` is the rest of the busy time: waiting for anything but a core. `idle_ns` is
    `startup_ns` before the first task, `queueing_ns` between tasks and `tail_ns` after the last.
    """

    process: str
    busy_ns: int
    idle_ns: int
    tasks: int
    utilisation: float | None
    cpu_ns: int | None
    runqueue_ns: int | None
    blocked_ns: int | None
    region: str
    region_start_ns: int
    startup_ns: int
    queueing_ns: int
    tail_ns: int


class _Bounds(NamedTuple):
    """A region: its dispatcher, the number of workers that it declares, its start and end."""

    row: int
    declared: int | None
    start: int
    end: int


def regions(table: SpanTable) -> tuple[list[Region], list[RegionWorker]]:
    """All regions and their workers, by start and process."""
    parent = table.real_parent
    task = np.flatnonzero(
        table.real & (parent != NO_PARENT) & (table.process != table.process[parent])
    )
    tasks: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in task.tolist():
        tasks[int(parent[row])][int(table.process[row])].append(row)
    region_rows: list[Region] = []
    workers: list[RegionWorker] = []
    order = sorted(tasks, key=lambda row: (int(table.start[row]), int(table.span_id[row])))
    for dispatcher in order:
        bounds = _bounds(table, dispatcher, list(chain(*tasks[dispatcher].values())))
        own = [_worker(table, bounds, rows) for rows in tasks[dispatcher].values()]
        region_rows.append(_region(table, bounds, own))
        workers += sorted(own, key=lambda worker: (worker.process, worker.startup_ns))
    return region_rows, workers


def _bounds(table: SpanTable, row: int, tasks: list[int]) -> _Bounds:
    declared = table.own_attributes.get(row, OwnAttributes()).workers
    earliest, latest = int(table.start[row]), int(table.end[row])
    if declared is None:
        earliest = min(latest, max(earliest, int(table.start[tasks].min())))
    return _Bounds(row, declared, earliest, max(earliest, min(latest, int(table.end[tasks].max()))))


def _region(table: SpanTable, bounds: _Bounds, workers: list[RegionWorker]) -> Region:
    length = bounds.end - bounds.start
    busy = sum(worker.busy_ns for worker in workers)
    count = bounds.declared or len(workers)
    unused = count - len(workers)
    replaced = unused < 0
    return Region(
        name=table.name_of(bounds.row),
        start_ns=bounds.start,
        end_ns=bounds.end,
        workers=count,
        overhead_ns=max(0, length * count - busy),
        busy_ns=busy,
        tasks=sum(worker.tasks for worker in workers),
        utilisation=share(busy, length * count),
        startup_ns=None if replaced else sum(worker.startup_ns for worker in workers),
        queueing_ns=None if replaced else sum(worker.queueing_ns for worker in workers),
        tail_ns=None if replaced else sum(worker.tail_ns for worker in workers),
        unused_ns=None if replaced else length * unused,
        cpu_ns=_sum_if_all([worker.cpu_ns for worker in workers]),
        runqueue_ns=_sum_if_all([worker.runqueue_ns for worker in workers]),
        blocked_ns=_sum_if_all([worker.blocked_ns for worker in workers]),
        process=table.process_of(bounds.row),
    )


def _worker(table: SpanTable, region: _Bounds, tasks: list[int]) -> RegionWorker:
    start, end = region.start, region.end
    rows = np.array(tasks, np.int64)
    low, high = np.clip(table.start[rows], start, end), np.clip(table.end[rows], start, end)
    line = (np.array([start], np.int64), np.array([end - start], np.int64))
    busy = int(union_lengths(np.zeros(rows.size, np.int32), low, high, *line)[0])
    startup, tail = int(low.min()) - start, end - int(high.max())
    own_attributes = [table.own_attributes.get(row, OwnAttributes()) for row in tasks]
    cpu = _sum_if_all([own.cpu_ns for own in own_attributes])
    queue = _sum_if_all([own.runqueue_ns for own in own_attributes])
    blocked = None if cpu is None else max(0, busy - cpu - (queue or 0))
    return RegionWorker(
        process=table.process_of(tasks[0]),
        busy_ns=busy,
        idle_ns=end - start - busy,
        tasks=len(tasks),
        utilisation=share(busy, end - start),
        cpu_ns=cpu,
        runqueue_ns=queue,
        blocked_ns=blocked,
        region=table.name_of(region.row),
        region_start_ns=start,
        startup_ns=startup,
        queueing_ns=end - start - busy - startup - tail,
        tail_ns=tail,
    )


def _sum_if_all(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


class Trial(Struct, frozen=True, gc=False):
    """One evaluation of a search; `score` is None where none was recorded."""

    number: int
    duration_ns: int
    process: str
    score: float | None
    name: str
    start_ns: int


def trials(table: SpanTable) -> list[Trial]:
    """All trials in order of start, as each search of a run numbers its trials from 0."""
    rows = [
        Trial(
            own.trial,
            int(table.end[row] - table.start[row]),
            table.process_of(row),
            own.score,
            table.name_of(row),
            int(table.start[row]),
        )
        for row, own in table.own_attributes.items()
        if own.trial is not None and table.real[row]
    ]
    return sorted(rows, key=lambda trial: (trial.start_ns, trial.number, trial.process))


class TrialDurations(Struct, frozen=True, gc=False):
    """How long the trials of one name took, ns; quantiles by nearest rank, all exact."""

    name: str
    trials: int
    total_ns: int
    mean_ns: float
    min_ns: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int


def trial_durations(rows: list[Trial]) -> list[TrialDurations]:
    """The distribution of the trials' durations, by name."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for trial in rows:
        by_name[trial.name].append(trial.duration_ns)
    return [_distribution(name, durations) for name, durations in sorted(by_name.items())]


def _distribution(name: str, durations: list[int]) -> TrialDurations:
    quantiles = exact_quantiles(np.array(durations, np.int64))
    return TrialDurations(
        name=name,
        trials=len(durations),
        total_ns=sum(durations),
        mean_ns=sum(durations) / len(durations),
        min_ns=min(durations),
        p50_ns=quantiles.p50_ns,
        p95_ns=quantiles.p95_ns,
        p99_ns=quantiles.p99_ns,
        max_ns=max(durations),
    )
