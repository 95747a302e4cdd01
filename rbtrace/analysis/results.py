"""All results of an analysis, as plain rows: what every report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.breakdowns import (
    CallPathTime,
    CategoryTime,
    OperationTime,
    ProcessTime,
    call_paths,
    categories,
    operations,
    overhead_to_computation,
    process_times,
)
from rbtrace.analysis.critical_path import CriticalTime, critical_path
from rbtrace.analysis.detail import DurationHistogram, TimelineSpan, histograms, timeline
from rbtrace.analysis.filtering import leading_to_calls, parse_filter, select
from rbtrace.analysis.integrity import Integrity, integrity, warnings
from rbtrace.analysis.loading import Loaded
from rbtrace.analysis.parallel import (
    Region,
    RegionWorker,
    Trial,
    TrialDurations,
    regions,
    trial_durations,
    trials,
)
from rbtrace.analysis.runs import TracedRun, runs, with_intervals
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.table import weigh
from rbtrace.conventions import HOST_NAME, SERVICE_NAME


class FunctionTime(Struct, frozen=True):
    """One function in the stack samples that were taken beside the spans.

    Attributes:
        name: qualified name.
        file: where it is, as the program saw it; empty if it is not a function's.
        line: where it begins, 0 if that is not known.
        samples: how many found it on top of the stack.
        self_ns: what these samples stand for.
        total_ns: what the samples stand for that found it anywhere in the stack.
        share: self time ÷ that of all functions.
    """

    name: str
    file: str
    line: int
    samples: int
    self_ns: int
    total_ns: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Filtered:
    """A filter as it was given, how many spans it chose, and the self time of all spans, ns."""

    expression: str
    spans: int
    whole_self_ns: int


@dataclass(frozen=True, slots=True)
class Results:
    """Results in plain rows; times in ns. `parallelism` is self time ÷ wall time.

    `computed` says where and why, if a database made them.
    `share_note` says why no share has an interval, if so. `timeline` and `histograms` are empty
    unless asked for. `functions` is empty where no stacks were sampled. `filter` says which spans
    `self_ns` and the breakdowns are of, None for all.
    """

    integrity: Integrity
    wall_ns: int
    self_ns: int
    parallelism: float | None
    overhead_to_computation: float | None
    operations: list[OperationTime]
    categories: list[CategoryTime]
    processes: list[ProcessTime]
    paths: list[CallPathTime]
    critical_path: list[CriticalTime]
    regions: list[Region]
    workers: list[RegionWorker]
    trials: list[Trial]
    runs: list[TracedRun]
    environment: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    share_note: str = ""
    trial_durations: list[TrialDurations] = field(default_factory=list)
    timeline: list[TimelineSpan] = field(default_factory=list)
    histograms: list[DurationHistogram] = field(default_factory=list)
    filter: Filtered | None = None
    functions: list[FunctionTime] = field(default_factory=list)
    computed: str = ""


def evaluate(loaded: Loaded, *, full: bool = False, only: str | None = None) -> Results:
    """Run every analysis over a table.

    Args:
        loaded: the table.
        full: make the timeline and histograms as well.
        only: a filter: which spans count in breakdowns and trials.

    Raises:
        FilterError: the filter cannot be understood.
    """
    full_table = loaded.table
    selfs = self_times(full_table)
    table, self_ns, filtered = full_table, selfs.self_ns, None
    if only is not None:
        table, chosen = select(full_table, parse_filter(only))
        self_ns = np.where(chosen, selfs.self_ns, 0)
        filtered = Filtered(only, int(chosen.sum()), int(selfs.self_ns.sum()))
    weights = weigh(table)
    checked = integrity(loaded, selfs)
    share_intervals = with_intervals(operations(table, weights, self_ns), table, self_ns)
    by_operation = share_intervals.operations
    paths = call_paths(table, weights, self_ns)
    by_category = categories(table, self_ns)
    by_run = runs(full_table)
    parallel, workers = regions(full_table)
    by_trial = trials(table)
    wall = sum(run.wall_ns for run in by_run)
    return Results(
        integrity=checked,
        wall_ns=wall,
        self_ns=sum(operation.self_ns for operation in by_operation),
        parallelism=int(selfs.self_ns.sum()) / wall if wall else None,
        overhead_to_computation=overhead_to_computation(by_category),
        operations=by_operation,
        categories=by_category,
        processes=process_times(table, weights, self_ns),
        paths=paths if only is None else leading_to_calls(paths),
        critical_path=critical_path(full_table, selfs),
        regions=parallel,
        workers=workers,
        trials=by_trial,
        trial_durations=trial_durations(by_trial),
        runs=by_run,
        environment=environment(full_table.processes),
        warnings=[
            *warnings(checked),
            *loaded.sidecars.warnings(),
            *share_intervals.warnings,
        ],
        share_note=share_intervals.note,
        timeline=timeline(table) if full else [],
        histograms=histograms(table) if full else [],
        filter=filtered,
    )


def environment(origins: Sequence[Origin]) -> dict[str, str]:
    """Where the spans come from, as their resources say."""
    described = {
        HOST_NAME: ", ".join(sorted({origin.host for origin in origins if origin.host})),
        SERVICE_NAME: ", ".join(sorted({origin.service for origin in origins if origin.service})),
    }
    return {key: text for key, text in described.items() if text}
