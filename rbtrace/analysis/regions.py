"""Parallel regions: spans whose children run in other processes, and how busy these were.

A region lasts as long as the span that dispatches. Its tasks are the dispatcher's children in
other processes, its workers these processes. Busy is the union of a worker's tasks; all else in
the region is idle; overhead is what all workers were idle together.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from msgspec import Struct

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.facts import Extra
from rbtrace.analysis.intervals import union_lengths
from rbtrace.analysis.shares import share
from rbtrace.analysis.table import SpanTable


class Region(Struct, frozen=True, gc=False):
    """One parallel region; times in ns. `overhead_ns` is region × workers − Σ busy."""

    name: str
    start_ns: int
    end_ns: int
    workers: int
    overhead_ns: int
    busy_ns: int
    tasks: int
    utilisation: float | None


class Worker(Struct, frozen=True, gc=False):
    """One process in one region; times in ns.

    `cpu_ns` and `runqueue_ns` are sums over tasks, None where they were not recorded;
    `blocked_ns` is the rest of the busy time: waiting for anything but a core.
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


def regions(table: SpanTable) -> tuple[list[Region], list[Worker]]:
    """All regions and their workers, by start and process."""
    parent = table.real_parent
    task = np.flatnonzero(
        table.real & (parent != NO_PARENT) & (table.process != table.process[parent])
    )
    tasks: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in task.tolist():
        tasks[int(parent[row])][int(table.process[row])].append(row)
    found: list[Region] = []
    workers: list[Worker] = []
    order = sorted(tasks, key=lambda row: (int(table.start[row]), int(table.span_id[row])))
    for dispatcher in order:
        own = [_worker(table, dispatcher, rows) for rows in tasks[dispatcher].values()]
        found.append(_region(table, dispatcher, own))
        workers += sorted(own, key=lambda one: one.process)
    return found, workers


def _region(table: SpanTable, row: int, workers: list[Worker]) -> Region:
    length = int(table.end[row] - table.start[row])
    busy = sum(worker.busy_ns for worker in workers)
    count = table.extras.get(row, Extra()).workers or len(workers)
    return Region(
        name=table.name_of(row),
        start_ns=int(table.start[row]),
        end_ns=int(table.end[row]),
        workers=count,
        overhead_ns=max(0, length * count - busy),
        busy_ns=busy,
        tasks=sum(worker.tasks for worker in workers),
        utilisation=share(busy, length * count),
    )


def _worker(table: SpanTable, region: int, tasks: list[int]) -> Worker:
    start, end = int(table.start[region]), int(table.end[region])
    rows = np.array(tasks, np.int64)
    low, high = np.maximum(table.start[rows], start), np.minimum(table.end[rows], end)
    line = (np.array([start], np.int64), np.array([end - start], np.int64))
    busy = int(union_lengths(np.zeros(rows.size, np.int32), low, high, *line)[0])
    extras = [table.extras.get(row, Extra()) for row in tasks]
    cpu = _sum_if_all([extra.cpu_ns for extra in extras])
    queue = _sum_if_all([extra.runqueue_ns for extra in extras])
    blocked = None if cpu is None else max(0, busy - cpu - (queue or 0))
    return Worker(
        process=table.process_of(tasks[0]),
        busy_ns=busy,
        idle_ns=end - start - busy,
        tasks=len(tasks),
        utilisation=share(busy, end - start),
        cpu_ns=cpu,
        runqueue_ns=queue,
        blocked_ns=blocked,
        region=table.name_of(region),
        region_start_ns=start,
    )


def _sum_if_all(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
