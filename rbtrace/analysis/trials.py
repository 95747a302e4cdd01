"""Trials of a search: how long each took, and where."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from msgspec import Struct

from rbtrace.analysis.distributions import exact_quantiles
from rbtrace.analysis.table import SpanTable


class Trial(Struct, frozen=True, gc=False):
    """One evaluation of a search; `score` is None where none was recorded."""

    number: int
    duration_ns: int
    process: str
    score: float | None
    name: str
    start_ns: int


def trials(table: SpanTable) -> list[Trial]:
    """All trials, in order of start: several searches of a run number theirs from 0 each."""
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
