"""Figures of multi-fidelity search: regret over bars, times to targets, fidelities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rbtrace.statistics import holm
from rbtrace.statistics.survival import MedianTime, Times, logrank, median_time
from rbtrace.studies.journal import Measured
from rbtrace.studies.multi_fidelity.searches import (
    MULTI_FIDELITY,
    SEARCHES,
    SPACES,
    Evaluation,
    Space,
)

type Interval = tuple[float, float] | None

AMONG_THE_BEST = 0.1
"""The part of the space that counts as good."""


class SearchRun(NamedTuple):
    """One search with one seed; how long it took, ns, 0 where scores were looked up."""

    search: str
    seed: int
    evaluations: list[Evaluation]
    optimize_ns: int = 0

    @property
    def bars(self) -> int:
        """What it cost."""
        return sum(evaluation.bars for evaluation in self.evaluations)


class Target(NamedTuple):
    """A quality to reach: so little regret, which so many configurations have."""

    name: str
    regret: float
    configurations: int


@dataclass(frozen=True)
class SearchData:
    """Everything that was measured.

    Attributes:
        space: what was searched.
        table: every configuration at every level, by real backtests.
        replays: searches that looked up their scores.
        runs: searches that ran real backtests.
    """

    space: Space
    table: list[Evaluation]
    replays: list[SearchRun]
    runs: list[SearchRun]

    @classmethod
    def of(cls, measured: Sequence[Measured]) -> SearchData:
        """What the cases say."""
        table: list[Evaluation] = []
        replays, runs = [], []
        for case in measured:
            settings, figures = case.settings, case.results
            if settings["do"] == "table":
                table += _evaluations(figures["evaluations"])
            elif settings["do"] == "replay":
                replays += [
                    SearchRun(name, seed, _evaluations(e)) for name, seed, e in figures["searches"]
                ]
            else:
                done = _evaluations(figures["evaluations"])
                name, seed = str(settings["search"]), int(settings["seed"])
                runs.append(SearchRun(name, seed, done, figures["optimize_ns"]))
        return cls(SPACES[str(measured[0].settings["space"])], table, replays, runs)

    @cached_property
    def scores(self) -> npt.NDArray[np.float64]:
        """Sharpe ratios, configurations by levels."""
        scores = np.full((len(self.space.configurations), len(self.space.levels)), np.nan)
        for evaluation in self.table:
            scores[evaluation.configuration, evaluation.level] = evaluation.score
        return scores

    @cached_property
    def regrets(self) -> npt.NDArray[np.float64]:
        """How much worse each configuration is than the best, in the whole window."""
        whole: npt.NDArray[np.float64] = self.scores[:, -1]
        worse: npt.NDArray[np.float64] = whole.max() - whole
        return worse

    @cached_property
    def targets(self) -> list[Target]:
        """Among the best tenth, among the best twentieth, the best."""
        ordered = np.sort(self.regrets)
        by_regret = {}
        for name, part in [("best 10 %", AMONG_THE_BEST), ("best 5 %", 0.05), ("the best", 0.0)]:
            regret = float(ordered[max(1, math.ceil(part * len(ordered))) - 1])
            by_regret[regret] = Target(name, regret, int((self.regrets <= regret).sum()))
        return list(by_regret.values())

    @property
    def budget(self) -> int:
        """Bars that each search may spend."""
        return self.space.budget * self.space.whole

    def of_search(self, name: str) -> list[SearchRun]:
        """The looked-up runs of one search."""
        return [run for run in self.replays if run.search == name]

    def curve(self, run: SearchRun) -> Iterator[tuple[int, float]]:
        """Bars spent, and the regret of the best that was seen in the whole window so far.

        Before the first backtest of the whole window a search has nothing to offer: it begins
        with the regret of the worst configuration.
        """
        spent, best = 0, float(self.regrets.max())
        yield spent, best
        for evaluation in run.evaluations:
            spent += evaluation.bars
            if evaluation.level == len(self.space.levels) - 1:
                best = min(best, float(self.regrets[evaluation.configuration]))
            yield spent, best

    def regret_at(self, run: SearchRun, bars: float) -> float:
        """The regret when so many bars were spent."""
        return [regret for spent, regret in self.curve(run) if spent <= bars][-1]

    def times(self, runs: Sequence[SearchRun], target: Target) -> Times:
        """Bars until the target, censored at the budget."""
        there = [
            next((bars for bars, regret in self.curve(run) if regret <= target.regret), math.inf)
            for run in runs
        ]
        reached = [bars <= self.budget for bars in there]
        return Times([min(bars, self.budget) for bars in there], reached)


class TimeToTarget(NamedTuple):
    """Bars until one search reached one target; `p` compares it with the multi-fidelity one.

    `p` is adjusted after Holm over all comparisons; None where there is nothing to compare.
    """

    target: Target
    search: str
    seeds: int
    reached: int
    median: MedianTime
    p: float | None


def times_to_targets(data: SearchData) -> list[TimeToTarget]:
    """Every search and every target."""
    times = {
        (target, name): data.times(data.of_search(name), target)
        for target in data.targets
        for name in SEARCHES
    }
    raw = {
        (target, name): logrank(times[target, MULTI_FIDELITY], times[target, name])
        for target, name in times
        if name != MULTI_FIDELITY
    }
    known = {pair: p for pair, p in raw.items() if p is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True)) if known else {}
    return [
        TimeToTarget(
            *pair, len(of_pair.values), of_pair.events, median_time(of_pair), adjusted.get(pair)
        )
        for pair, of_pair in times.items()
    ]


class LevelFigures(NamedTuple):
    """What one fidelity costs and is worth; times in ns.

    `rank_correlation` is Spearman's, None where all scores are equal; `regret` that of the
    configuration which is best at this level; `distinct` the number of different scores.
    """

    sessions: int
    backtest_ns: float
    bar_ns: float
    distinct: int
    rank_correlation: float | None
    regret: float


def level_figures(data: SearchData) -> list[LevelFigures]:
    """Cost and worth of each level, over the whole space."""
    from scipy.stats import spearmanr  # noqa: PLC0415 - heavy

    figures = []
    for level, sessions in enumerate(data.space.levels):
        took = [evaluation.ns for evaluation in data.table if evaluation.level == level]
        scores = data.scores[:, level]
        distinct = len(set(scores.tolist()))
        same_order = spearmanr(scores, data.scores[:, -1]).statistic if distinct > 1 else None
        figures.append(
            LevelFigures(
                sessions,
                median(took),
                median(took) / sessions,
                distinct,
                None if same_order is None else float(same_order),
                float(data.regrets[int(scores.argmax())]),
            )
        )
    return figures


def median_interval(values: Sequence[float]) -> Interval:
    """The 95 % interval of a median, by order statistics; None where there are too few values."""
    from scipy.stats import quantile_test  # noqa: PLC0415 - heavy

    low, high = quantile_test(values, p=0.5, q=median(values)).confidence_interval(0.95)
    return None if math.isnan(low) or math.isnan(high) else (float(low), float(high))


def _evaluations(rows: Sequence[Sequence[float]]) -> list[Evaluation]:
    return [
        Evaluation(int(configuration), int(level), float(score), int(bars), int(ns))
        for configuration, level, score, bars, ns in rows
    ]
