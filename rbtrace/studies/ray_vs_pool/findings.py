"""Findings about Ray and Pool: sentences and drawings."""

from __future__ import annotations

from itertools import chain

from rbtrace.reporting.model import Picture
from rbtrace.reporting.numbers import duration, size
from rbtrace.statistics import compare_runs
from rbtrace.studies import plots
from rbtrace.studies.batches import POOL, RAY, SEQUENTIAL, WAY_NAMES, of_way, ways_of, with_workers
from rbtrace.studies.ray_vs_pool.figures import (
    AT_ONCE,
    FIRST,
    KEPT,
    ONE_BY_ONE,
    STARTED,
    BatchesRun,
    Figure,
    Groups,
    batch_time,
    median_memory,
    median_of,
    time_per_task,
)
from rbtrace.studies.shared_tables import ratio_with_interval


def findings(groups: Groups) -> list[str]:
    """What follows from the tables."""
    most = max(workers for _, workers in groups)
    pool, ray = groups[POOL, most], groups[RAY, most]
    return [
        _startup(most, pool, ray),
        _kept(most, pool, ray),
        _tasks(most, pool, ray),
        _worth(most, pool, ray, groups[SEQUENTIAL, 1]),
        _memory(most, pool, ray),
        _counts(list(chain.from_iterable(of_way(groups, RAY).values()))),
        _machines(ray),
    ]


def _machines(ray: list[BatchesRun]) -> str:
    if any(run.measured.elsewhere for run in ray):
        return (
            "Ray was a cluster that was there before, and the pool was on this machine: start-up "
            "is that of joining it, and the memory of its workers is not known here."
        )
    return (
        "Both ran on one machine. What Ray is for, several machines, is not measured here: "
        "docs/scenarios.md has the command for a cluster."
    )


def pictures(groups: Groups) -> list[Picture]:
    """Speed-up of workers that are started for one batch, and of workers that are kept."""
    series = []
    for way in ways_of(with_workers(groups)):
        by_workers = of_way(groups, way)
        for gain in (KEPT, STARTED):
            alone = median_of(groups[SEQUENTIAL, 1], gain.alone)
            gained = [alone / median_of(group, gain.workers) for group in by_workers.values()]
            label = f"{WAY_NAMES[way]}, {gain.label}"
            series.append(plots.Series(label, list(by_workers), gained))
    return [
        Picture("Speed-up, kept and started for one batch", "scaling.svg", plots.speed_ups(series))
    ]


def _startup(workers: int, pool: list[BatchesRun], ray: list[BatchesRun]) -> str:
    started = [duration(median_of(group, lambda run: run.startup_ns)) for group in (ray, pool)]
    first = [duration(batch_time(group, FIRST)) for group in (ray, pool)]
    return (
        f"Until all of {workers} workers work, Ray takes {started[0]}, a pool {started[1]}; the "
        f"first batch of backtests then takes {first[0]} and {first[1]}, since a worker of Ray has "
        "to import the engine."
    )


def _kept(workers: int, pool: list[BatchesRun], ray: list[BatchesRun]) -> str:
    compared = compare_runs(*([KEPT.workers(run) for run in group] for group in (pool, ray)))
    return (
        f"With {workers} workers that are kept, the same backtests take Ray "
        f"{ratio_with_interval(compared)} times as long as the pool."
    )


def _tasks(workers: int, pool: list[BatchesRun], ray: list[BatchesRun]) -> str:
    durations = [
        duration(time_per_task(group, name))
        for name in (AT_ONCE, ONE_BY_ONE)
        for group in (ray, pool)
    ]
    return (
        f"A task costs Ray {durations[0]} and the pool {durations[1]} when many are given out to "
        f"{workers} workers, {durations[2]} and {durations[3]} one at a time."
    )


def _worth(
    workers: int, pool: list[BatchesRun], ray: list[BatchesRun], sequential: list[BatchesRun]
) -> str:
    """How much work there has to be before Ray is worth its start."""
    backtests = len(sequential[0].measured.batches[FIRST].evaluated)
    fixed = _fixed(ray, STARTED.workers, KEPT.workers)
    saved = (median_of(sequential, KEPT.alone) - median_of(ray, KEPT.workers)) / backtests
    cost = (
        f"Started for one batch, {workers} workers cost Ray {duration(fixed)} more than the batch "
        f"itself takes, and the pool {duration(_fixed(pool, STARTED.workers, KEPT.workers))}"
    )
    if saved <= 0:
        return f"{cost}; kept, they are no faster than one process in these runs."
    enough = (fixed - _fixed(sequential, STARTED.alone, KEPT.alone)) / saved
    return (
        f"{cost}: with Ray, {enough:.0f} of these backtests have to be done before it is "
        "faster than one process."
    )


def _fixed(group: list[BatchesRun], at_first: Figure, then: Figure) -> float:
    return median_of(group, at_first) - median_of(group, then)


def _memory(workers: int, pool: list[BatchesRun], ray: list[BatchesRun]) -> str:
    sizes = [
        size(median_memory(group, "after", f"{whose}_proportional"))
        for whose in ("workers", "helpers")
        for group in (ray, pool)
    ]
    return (
        f"{workers} workers hold {sizes[0]} with Ray and {sizes[1]} with a pool after the "
        f"backtests (shared pages divided); what else runs for them holds {sizes[2]} and "
        f"{sizes[3]}."
    )


def _counts(ray: list[BatchesRun]) -> str:
    handed = sum(len(batch.evaluated) for run in ray for batch in run.measured.batches.values())
    finished = sum(sum((run.measured.finished or {}).values()) for run in ray)
    agree = "as many as" if handed == finished else "not as many as"
    return (
        f"Ray's state API counts {finished:,} finished tasks, {agree} results came back "
        f"({handed:,})."
    )
