"""The report of multi-fidelity search."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Column, Picture, Report, Table
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.studies import plots
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.multi_fidelity.figures import (
    Interval,
    LevelFigures,
    SearchData,
    SearchRun,
    TimeToTarget,
    level_figures,
    median_interval,
    times_to_targets,
)
from rbtrace.studies.multi_fidelity.searches import MULTI_FIDELITY, SEARCHES
from rbtrace.studies.multi_fidelity.stopping import stopping_sentences, stopping_table
from rbtrace.studies.shared_tables import TwoClocks, stopwatch_table, two_clocks


class ReplayAgreement(NamedTuple):
    """A search on the engine beside the one with the same seed that looked up its scores."""

    run: SearchRun
    same: int
    looked_up: int

    @property
    def exact(self) -> bool:
        """Whether they agree evaluation by evaluation: configuration, level, score and bars."""
        return self.same == self.looked_up == len(self.run.evaluations)


def agreements(data: SearchData) -> list[ReplayAgreement]:
    """Each search that ran real backtests, compared."""
    replays = {(replay.search, replay.seed): replay.evaluations for replay in data.replays}
    compared = []
    for run in data.runs:
        other = replays[run.search, run.seed]
        pairs = zip(run.evaluations, other, strict=False)
        same = sum(evaluation._replace(ns=0) == two._replace(ns=0) for evaluation, two in pairs)
        compared.append(ReplayAgreement(run, same, len(other)))
    return compared


def agreement_table(data: SearchData) -> Table:
    """Searches on the engine beside those of the same seeds that looked their scores up."""
    columns: list[Column[ReplayAgreement]] = [
        Column("search", lambda row: f"{row.run.search}, seed {row.run.seed}", right=False),
        Column("backtests", lambda row: count(len(row.run.evaluations))),
        Column("the same", lambda row: count(row.same)),
        Column("exact", lambda row: "yes" if row.exact else "NO"),
        Column("bars", lambda row: count(row.run.bars)),
        Column("duration", lambda row: duration(row.run.optimize_ns)),
        Column("not in backtests", _not_in_backtests),
    ]
    note = (
        "These searches ran real backtests, traced, in processes of their own. All other seeds "
        "looked their scores up in the table of real backtests. Each of these seeds did both, and "
        "is compared backtest by backtest: configuration, window, score to the last bit, bars."
    )
    return Table.of("Check: looked up and run", columns, agreements(data), note)


def _not_in_backtests(agreement: ReplayAgreement) -> str:
    run = agreement.run
    return percent(1 - sum(evaluation.ns for evaluation in run.evaluations) / run.optimize_ns)


def _stopwatch(data: SearchData, results: Results) -> Table:
    stopwatch = {
        "run_algorithm": sum(evaluation.ns for run in data.runs for evaluation in run.evaluations),
        "Optimizer.optimize": sum(run.optimize_ns for run in data.runs),
    }
    span: Column[tuple[str, TwoClocks]] = Column("span", lambda row: row[0], right=False)
    return stopwatch_table([span], two_clocks(stopwatch, results))


def agreement_sentence(data: SearchData) -> str:
    """How many searches agree."""
    compared = agreements(data)
    exact = sum(agreement.exact for agreement in compared)
    backtests = sum(len(agreement.run.evaluations) for agreement in compared)
    return (
        f"{exact} of {len(compared)} searches that ran real backtests ({count(backtests)} of them) "
        "agree exactly with the searches of the same seeds that looked up their scores."
    )


TITLE = "Multi-fidelity search"

_NOTHING = "–"
_STEPS = 200
"""Places along the bars at which the regret is drawn."""


def multi_fidelity_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    data = SearchData.of(evidence.measured)
    space = data.space
    times = times_to_targets(data)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("configurations", count(len(space.configurations))),
            ("sessions", " ".join(map(str, space.levels))),
            ("budget of a search", f"{count(data.budget)} bars ({space.budget} whole backtests)"),
            ("real backtests", count(_real_backtests(data))),
            ("seeds", count(len(data.of_search(MULTI_FIDELITY)))),
            ("of them on the engine", ", ".join(f"{r.search} {r.seed}" for r in data.runs)),
        ],
        tables=[
            _times(data, times),
            _regrets(data),
            _levels(data),
            stopping_table(data),
            agreement_table(data),
            _stopwatch(data, evidence.results),
            evidence.operations(),
        ],
        findings=_sentences(data, times),
        pictures=[_picture(data)],
        warnings=evidence.warnings(),
    )


def _real_backtests(data: SearchData) -> int:
    return len(data.table) + sum(len(run.evaluations) for run in data.runs)


def _times(data: SearchData, times: Sequence[TimeToTarget]) -> Table:
    """The medians, with what does not get there counted as censored."""
    whole = data.space.whole
    columns: list[Column[TimeToTarget]] = [
        Column("quality, search", lambda row: f"{row.target.name}, {row.search}", right=False),
        Column("regret", lambda row: f"{row.target.regret:.3f}"),
        Column("configurations that good", lambda row: count(row.target.configurations)),
        Column("seeds that got there", lambda row: f"{row.reached} of {row.seeds}"),
        Column("median, bars", lambda row: count(_rounded(row.median.value))),
        Column("whole backtests", lambda row: _in_backtests(row.median.value, whole)),
        Column("95 %", lambda row: " … ".join(_in_backtests(end, whole) for end in row.median.ci)),
        Column("p", lambda row: _NOTHING if row.p is None else _p_value(row.p)),
    ]
    note = (
        "Seeds that do not get there within the budget are censored, not left out. Medians by "
        "Kaplan and Meier, – where fewer than half got there; their intervals by Brookmeyer and "
        "Crowley, – where the seeds do not bound it. p: logrank test against the multi-fidelity "
        "search, adjusted after Holm. All searches have the same space; the grid's seed is the "
        "order in which its parameters and values are written down."
    )
    return Table.of("Bars until a given quality", columns, times, note)


def _rounded(number: float | None) -> int | None:
    return None if number is None else round(number)


def _regrets(data: SearchData) -> Table:
    regrets = {
        (part, name): [data.regret_at(run, part * data.budget) for run in data.of_search(name)]
        for part in (0.25, 0.5, 1.0)
        for name in SEARCHES
    }
    columns: list[Column[tuple[float, str]]] = [
        Column(
            "spent, search", lambda row: f"{percent(row[0])} of the budget, {row[1]}", right=False
        ),
        Column("seeds", lambda row: count(len(regrets[row]))),
        Column("median regret", lambda row: f"{median(regrets[row]):.3f}"),
        Column("95 %", lambda row: _interval(median_interval(regrets[row]))),
        Column("worst seed", lambda row: f"{max(regrets[row]):.3f}"),
    ]
    note = (
        "How much lower the Sharpe ratio in the whole window is than that of the best "
        "configuration of the space; before its first backtest of the whole window a search has "
        f"the regret of the worst ({data.regrets.max():.3f}). Medians over seeds; intervals by "
        "order statistics."
    )
    return Table.of("Regret, by bars spent", columns, regrets, note)


def _levels(data: SearchData) -> Table:
    columns: list[Column[LevelFigures]] = [
        Column("sessions", lambda row: count(row.sessions), right=False),
        Column("backtest", lambda row: duration(row.backtest_ns)),
        Column("per bar", lambda row: duration(row.bar_ns)),
        Column("different scores", lambda row: count(row.distinct)),
        Column("rank correlation", lambda row: ratio(row.rank_correlation)),
        Column("regret of its best", lambda row: f"{row.regret:.3f}"),
    ]
    note = (
        "All configurations at all levels, by real, untraced backtests; medians of a stopwatch. "
        "Rank correlation: Spearman's, of the Sharpe ratios at this level with those in the whole "
        "window; the whole space is tabulated, so it has no sampling error. Regret: that of the "
        "configuration that is best at this level."
    )
    return Table.of("Fidelities", columns, level_figures(data), note)


def _sentences(data: SearchData, times: Sequence[TimeToTarget]) -> list[str]:
    sentences = _time_sentences(data, times)
    whole = data.space.whole
    sentences += stopping_sentences(data)
    sentences += [
        f"A backtest of {level.sessions} sessions costs {percent(level.sessions / whole)} of the "
        f"bars and {percent(level.backtest_ns / top.backtest_ns)} of the time of a whole one, and "
        f"ranks configurations with a rank correlation of {ratio(level.rank_correlation)}."
        for *lower, top in [level_figures(data)]
        for level in lower
    ]
    sentences.append(agreement_sentence(data))
    return sentences


def _time_sentences(data: SearchData, times: Sequence[TimeToTarget]) -> list[str]:
    """A sentence for each target, and the multi-fidelity search against each other."""
    whole = data.space.whole
    sentences = []
    for target in data.targets:
        of_target = {time.search: time for time in times if time.target == target}
        own = of_target.pop(MULTI_FIDELITY)
        others = "; ".join(
            f"{time.search}: {_reach(time, whole)}, {_verdict(time.p)}"
            for time in of_target.values()
        )
        sentences.append(
            f"Quality “{target.name}” (regret at most {target.regret:.3f}). {MULTI_FIDELITY}: "
            f"{_reach(own, whole)}; {others}."
        )
    return sentences


def _reach(time: TimeToTarget, whole: int) -> str:
    got = f"{time.reached} of {time.seeds} seeds"
    if time.median.value is None:
        return f"{got}, median beyond the budget"
    return f"{got}, median {_in_backtests(time.median.value, whole)} whole backtests"


def _verdict(p: float | None) -> str:
    if p is None:
        return "not comparable"
    return f"p {_p_value(p, '= ')}" if p < 0.05 else f"no difference shown (p = {p:.2f})"


def _p_value(p: float, equals: str = "") -> str:
    return f"{equals}{p:.4f}" if p >= 0.0001 else "< 0.0001"


def _in_backtests(bars: float | None, whole: int) -> str:
    return _NOTHING if bars is None else f"{bars / whole:.1f}"


def _picture(data: SearchData) -> Picture:
    places = [data.budget * step / _STEPS for step in range(_STEPS + 1)]
    bands = []
    for name in SEARCHES:
        runs = data.of_search(name)
        thirds = [
            quantiles([data.regret_at(run, bars) for run in runs], n=4, method="inclusive")
            for bars in places
        ]
        low, middle, high = zip(*thirds, strict=True)
        backtests = [bars / data.space.whole for bars in places]
        bands.append(plots.Band(name, backtests, low, middle, high))
    drawn = plots.steps(bands, "bars simulated, in whole backtests", "regret, Sharpe ratio")
    title = "Regret over bars: median of the seeds, and the half in the middle"
    return Picture(title, "regret.svg", drawn)


def _interval(interval: Interval) -> str:
    return _NOTHING if interval is None else " … ".join(f"{end:.3f}" for end in interval)
