"""Early stopping: the bars it saved, and the good configurations it wrongly stopped."""

from __future__ import annotations

from itertools import groupby
from statistics import median
from typing import NamedTuple

from rbtrace.reporting.model import Column, Table
from rbtrace.reporting.numbers import count, percent
from rbtrace.studies.multi_fidelity.figures import (
    Interval,
    SearchData,
    SearchRun,
    median_interval,
)
from rbtrace.studies.multi_fidelity.searches import MULTI_FIDELITY


class Stopping(NamedTuple):
    """What early stopping did in one search.

    Attributes:
        evaluated: configurations that were evaluated, by level.
        stopped: those that were stopped there; the highest level stops none.
        good_evaluated: those of the first that are among the best of the space.
        good_stopped: those of the second that are.
        started: configurations that were started.
        bars: what they cost.
        better_stopped: whether one was stopped that is better than the best it found.
    """

    evaluated: list[int]
    stopped: list[int]
    good_evaluated: list[int]
    good_stopped: list[int]
    started: int
    bars: int
    better_stopped: bool

    def saved(self, whole: int) -> float:
        """The part saved of what all started configurations cost in the whole window."""
        return 1 - self.bars / (self.started * whole)


def stopping(data: SearchData, run: SearchRun) -> Stopping:
    """What became of the configurations that a search started.

    The very last, if it did not reach the highest level, may not have been stopped, but the search
    have ended: it is left out of those stopped.
    """
    levels = len(data.space.levels)
    last = data.targets[0].regret
    evaluated, stopped, good_evaluated, good_stopped = ([0] * levels for _ in range(4))
    rejected = []
    ordered = sorted(run.evaluations, key=lambda evaluation: evaluation.configuration)
    for configuration, group in groupby(ordered, key=lambda evaluation: evaluation.configuration):
        good = data.regrets[configuration] <= last
        reached = [evaluation.level for evaluation in group]
        for level in reached:
            evaluated[level] += 1
            good_evaluated[level] += int(good)
        top = max(reached)
        if top < levels - 1 and configuration != run.evaluations[-1].configuration:
            stopped[top] += 1
            good_stopped[top] += int(good)
            rejected.append(float(data.regrets[configuration]))
    best = data.regret_at(run, run.bars)
    started = len({evaluation.configuration for evaluation in run.evaluations})
    better = any(regret < best for regret in rejected)
    return Stopping(evaluated, stopped, good_evaluated, good_stopped, started, run.bars, better)


def stopping_table(data: SearchData) -> Table:
    """What was stopped at each level, all configurations beside the good ones."""
    all_seeds = [stopping(data, run) for run in data.of_search(MULTI_FIDELITY)]
    evaluated, stopped, good, good_stopped = (
        [sum(of_level) for of_level in zip(*of_seeds, strict=True)]
        for of_seeds in zip(*(search[:4] for search in all_seeds), strict=True)
    )

    def share(part: int, whole: int) -> str:
        return percent(part / whole if whole else None)

    columns: list[Column[int]] = [
        Column("sessions", lambda level: count(data.space.levels[level]), right=False),
        Column("evaluated", lambda level: count(evaluated[level])),
        Column("stopped", lambda level: count(stopped[level])),
        Column("share", lambda level: share(stopped[level], evaluated[level])),
        Column("good", lambda level: count(good[level])),
        Column("good, stopped", lambda level: count(good_stopped[level])),
        Column("share of the good", lambda level: share(good_stopped[level], good[level])),
    ]
    target = data.targets[0]
    note = (
        f"Sums over {len(all_seeds)} seeds. Good: among the {target.configurations} best of the "
        "space in the whole window. If stopping knew nothing, it would stop the same part of the "
        "good ones as of all."
    )
    levels = range(len(data.space.levels) - 1)
    return Table.of("What early stopping stopped", columns, levels, note)


def stopping_sentences(data: SearchData) -> list[str]:
    """What stopping saved and missed, in sentences."""
    all_seeds = [stopping(data, run) for run in data.of_search(MULTI_FIDELITY)]
    return [_saved_sentence(data, all_seeds), _missed_sentence(data, all_seeds)]


def _saved_sentence(data: SearchData, all_seeds: list[Stopping]) -> str:
    whole = data.space.whole
    saved = [search.saved(whole) for search in all_seeds]
    started = median(search.started for search in all_seeds)
    times = median(search.started * whole / search.bars for search in all_seeds)
    return (
        f"The {started:g} configurations that the multi-fidelity search started would have cost "
        f"{times:.2f} times the bars, had each been run in the whole window: early stopping saved "
        f"{percent(median(saved))}{_in_percent(median_interval(saved))}. Medians over "
        f"{len(saved)} seeds."
    )


def _missed_sentence(data: SearchData, all_seeds: list[Stopping]) -> str:
    good = sum(sum(search.good_stopped) for search in all_seeds)
    of_good = _started_and_good(data)
    stopped = sum(sum(search.stopped) for search in all_seeds)
    all_started = sum(search.started for search in all_seeds)
    better = sum(search.better_stopped for search in all_seeds)
    return (
        f"It wrongly stopped {good} of {of_good} started configurations that are among the best "
        f"{data.targets[0].configurations} ({percent(good / of_good if of_good else None)}); of "
        f"all that were started it stopped {percent(stopped / all_started)}. In {better} of "
        f"{len(all_seeds)} seeds it stopped one that is better than the best the search found."
    )


def _started_and_good(data: SearchData) -> int:
    regret = data.targets[0].regret
    return sum(
        len({e.configuration for e in run.evaluations if data.regrets[e.configuration] <= regret})
        for run in data.of_search(MULTI_FIDELITY)
    )


def _in_percent(interval: Interval) -> str:
    if interval is None:
        return ""
    return " (95 %: " + " … ".join(percent(end) for end in interval) + ")"
