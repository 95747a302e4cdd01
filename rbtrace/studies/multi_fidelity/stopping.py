"""What early stopping saved, and what it wrongly stopped."""

from __future__ import annotations

from itertools import groupby
from statistics import median
from typing import NamedTuple

from rbtrace.reporting.model import Row, Table, columns
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


def stopping(found: SearchData, run: SearchRun) -> Stopping:
    """What became of the configurations that a search started.

    The very last, if it did not reach the highest level, may not have been stopped, but the search
    have ended: it is left out of those stopped.
    """
    levels = len(found.space.levels)
    last = found.targets[0].regret
    evaluated, stopped, good_evaluated, good_stopped = ([0] * levels for _ in range(4))
    rejected = []
    ordered = sorted(run.evaluations, key=lambda one: one.configuration)
    for configuration, group in groupby(ordered, key=lambda one: one.configuration):
        good = found.regrets[configuration] <= last
        reached = [one.level for one in group]
        for level in reached:
            evaluated[level] += 1
            good_evaluated[level] += int(good)
        top = max(reached)
        if top < levels - 1 and configuration != run.evaluations[-1].configuration:
            stopped[top] += 1
            good_stopped[top] += int(good)
            rejected.append(float(found.regrets[configuration]))
    best = found.regret_at(run, run.bars)
    started = len({one.configuration for one in run.evaluations})
    better = any(regret < best for regret in rejected)
    return Stopping(evaluated, stopped, good_evaluated, good_stopped, started, run.bars, better)


def stopping_table(found: SearchData) -> Table:
    """What was stopped at each level, all configurations beside the good ones."""
    all_seeds = [stopping(found, run) for run in found.of_search(MULTI_FIDELITY)]
    rows = []
    for level, sessions in enumerate(found.space.levels[:-1]):
        evaluated, stopped, good, good_stopped = (
            sum(counts[level] for counts in column)
            for column in zip(*(one[:4] for one in all_seeds), strict=True)
        )
        rows.append(
            Row(
                [
                    count(sessions),
                    count(evaluated),
                    count(stopped),
                    percent(stopped / evaluated if evaluated else None),
                    count(good),
                    count(good_stopped),
                    percent(good_stopped / good if good else None),
                ]
            )
        )
    target = found.targets[0]
    note = (
        f"Sums over {len(all_seeds)} seeds. Good: among the {target.configurations} best of the "
        "space in the whole window. If stopping knew nothing, it would stop the same part of the "
        "good ones as of all."
    )
    titles = ["evaluated", "stopped", "share", "good", "good, stopped", "share of the good"]
    return Table("What early stopping stopped", columns("sessions", titles), rows, note)


def stopping_sentences(found: SearchData) -> list[str]:
    """What stopping saved and missed, in sentences."""
    all_seeds = [stopping(found, run) for run in found.of_search(MULTI_FIDELITY)]
    return [_saved_in_words(found, all_seeds), _missed_in_words(found, all_seeds)]


def _saved_in_words(found: SearchData, all_seeds: list[Stopping]) -> str:
    whole = found.space.whole
    saved = [one.saved(whole) for one in all_seeds]
    started = median(one.started for one in all_seeds)
    return (
        f"The {started:g} configurations that the multi-fidelity search started would have cost "
        f"{median(one.started * whole / one.bars for one in all_seeds):.2f} times the bars, had "
        f"each been run in the whole window: early stopping saved {percent(median(saved))}"
        f"{_in_percent(median_interval(saved))}. Medians over {len(saved)} seeds."
    )


def _missed_in_words(found: SearchData, all_seeds: list[Stopping]) -> str:
    good = sum(sum(one.good_stopped) for one in all_seeds)
    of_good = _started_and_good(found)
    stopped = sum(sum(one.stopped) for one in all_seeds)
    all_started = sum(one.started for one in all_seeds)
    better = sum(one.better_stopped for one in all_seeds)
    return (
        f"It wrongly stopped {good} of {of_good} started configurations that are among the best "
        f"{found.targets[0].configurations} ({percent(good / of_good if of_good else None)}); of "
        f"all that were started it stopped {percent(stopped / all_started)}. In {better} of "
        f"{len(all_seeds)} seeds it stopped one that is better than the best the search found."
    )


def _started_and_good(found: SearchData) -> int:
    regret = found.targets[0].regret
    return sum(
        len({e.configuration for e in run.evaluations if found.regrets[e.configuration] <= regret})
        for run in found.of_search(MULTI_FIDELITY)
    )


def _in_percent(interval: Interval) -> str:
    if interval is None:
        return ""
    return " (95 %: " + " … ".join(percent(end) for end in interval) + ")"
