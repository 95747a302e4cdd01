"""All results of an analysis, as plain rows: what every report is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rbtrace.analysis.categories import (
    CategoryTime,
    ProcessTime,
    categories,
    overhead_to_computation,
    process_times,
)
from rbtrace.analysis.critical_path import CriticalTime, critical_path
from rbtrace.analysis.detail import Histogram, TimelineSpan, histograms, timeline
from rbtrace.analysis.integrity import Integrity, integrity, warnings
from rbtrace.analysis.loading import Loaded, Progress, load
from rbtrace.analysis.operations import Operation, operations
from rbtrace.analysis.paths import CallPath, call_paths
from rbtrace.analysis.regions import Region, Worker, regions
from rbtrace.analysis.runs import Run, runs
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.share_intervals import with_intervals
from rbtrace.analysis.table import SpanTable
from rbtrace.analysis.trials import Trial, TrialDurations, trial_durations, trials
from rbtrace.analysis.weights import weigh
from rbtrace.conventions import HOST_NAME, SERVICE_NAME


@dataclass(frozen=True, slots=True)
class Results:
    """Results in plain rows; times in ns. `parallelism` is self time ÷ wall time.

    `share_note` says why no share has an interval, if so. `timeline` and `histograms` are empty
    unless asked for.
    """

    integrity: Integrity
    wall_ns: int
    self_ns: int
    parallelism: float | None
    overhead_to_computation: float | None
    operations: list[Operation]
    categories: list[CategoryTime]
    processes: list[ProcessTime]
    paths: list[CallPath]
    critical_path: list[CriticalTime]
    regions: list[Region]
    workers: list[Worker]
    trials: list[Trial]
    runs: list[Run]
    environment: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    share_note: str = ""
    trial_durations: list[TrialDurations] = field(default_factory=list)
    timeline: list[TimelineSpan] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)


def analyze_paths(
    paths: Iterable[str | Path], progress: Progress | None = None, *, full: bool = False
) -> Results:
    """Read and analyze; see `rbtrace.analysis.loading.load` for arguments and errors."""
    return evaluate(load(paths, progress), full=full)


def evaluate(loaded: Loaded, *, full: bool = False) -> Results:
    """Run every analysis over a table; a full one has the timeline and histograms as well."""
    table = loaded.table
    selfs = self_times(table)
    weights = weigh(table)
    found = integrity(loaded, selfs)
    judged = with_intervals(operations(table, weights, selfs.self_ns), table, selfs.self_ns)
    by_operation = judged.operations
    by_category = categories(table, selfs.self_ns)
    by_run = runs(table)
    parallel, workers = regions(table)
    by_trial = trials(table)
    wall = sum(run.wall_ns for run in by_run)
    spent = sum(operation.self_ns for operation in by_operation)
    return Results(
        integrity=found,
        wall_ns=wall,
        self_ns=spent,
        parallelism=spent / wall if wall else None,
        overhead_to_computation=overhead_to_computation(by_category),
        operations=by_operation,
        categories=by_category,
        processes=process_times(table, weights, selfs.self_ns),
        paths=call_paths(table, weights, selfs.self_ns),
        critical_path=critical_path(table, selfs),
        regions=parallel,
        workers=workers,
        trials=by_trial,
        trial_durations=trial_durations(by_trial),
        runs=by_run,
        environment=_environment(table),
        warnings=[
            *warnings(found),
            *(f"{path} is not a tally and was ignored" for path in loaded.beside.unreadable),
            *judged.warnings,
        ],
        share_note=judged.note,
        timeline=timeline(table) if full else [],
        histograms=histograms(table) if full else [],
    )


def _environment(table: SpanTable) -> dict[str, str]:
    """Where the spans come from, as their resources say."""
    origins = table.processes
    found = {
        HOST_NAME: ", ".join(sorted({one.host for one in origins if one.host})),
        SERVICE_NAME: ", ".join(sorted({one.service for one in origins if one.service})),
    }
    return {key: text for key, text in found.items() if text}
