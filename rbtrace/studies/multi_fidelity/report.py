"""The report of multi-fidelity search."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Column, Picture, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.studies import plots
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.multi_fidelity.figures import (
    Interval,
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
    rows = []
    for agreement in agreements(data):
        run = agreement.run
        backtests = sum(evaluation.ns for evaluation in run.evaluations)
        rows.append(
            Row(
                [
                    f"{run.search}, seed {run.seed}",
                    count(len(run.evaluations)),
                    count(agreement.same),
                    "yes" if agreement.exact else "NO",
                    count(run.bars),
                    duration(run.optimize_ns),
                    percent(1 - backtests / run.optimize_ns),
                ]
            )
        )
    note = (
        "These searches ran real backtests, traced, in processes of their own. All other seeds "
        "looked their scores up in the table of real backtests. Each of these seeds did both, and "
        "is compared backtest by backtest: configuration, window, score to the last bit, bars."
    )
    titles = ["backtests", "the same", "exact", "bars", "duration", "not in backtests"]
    return Table("Check: looked up and run", columns("search", titles), rows, note)


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
    rows = []
    for time in times:
        target, value = time.target, time.median.value
        rows.append(
            Row(
                [
                    f"{target.name}, {time.search}",
                    f"{target.regret:.3f}",
                    count(target.configurations),
                    f"{time.reached} of {time.seeds}",
                    _NOTHING if value is None else count(round(value)),
                    _in_backtests(value, whole),
                    " … ".join(_in_backtests(end, whole) for end in time.median.ci),
                    _NOTHING if time.p is None else _p_value(time.p),
                ]
            )
        )
    note = (
        "Seeds that do not get there within the budget are censored, not left out. Medians by "
        "Kaplan and Meier, – where fewer than half got there; their intervals by Brookmeyer and "
        "Crowley, – where the seeds do not bound it. p: logrank test against the multi-fidelity "
        "search, adjusted after Holm. All searches have the same space; the grid's seed is the "
        "order in which its parameters and values are written down."
    )
    titles = ["regret", "configurations that good", "seeds that got there", "median, bars"]
    titles += ["whole backtests", "95 %", "p"]
    return Table("Bars until a given quality", columns("quality, search", titles), rows, note)


def _regrets(data: SearchData) -> Table:
    rows = []
    for part in (0.25, 0.5, 1.0):
        for name in SEARCHES:
            regrets = [data.regret_at(run, part * data.budget) for run in data.of_search(name)]
            rows.append(
                Row(
                    [
                        f"{percent(part)} of the budget, {name}",
                        count(len(regrets)),
                        f"{median(regrets):.3f}",
                        _interval(median_interval(regrets), 3),
                        f"{max(regrets):.3f}",
                    ]
                )
            )
    note = (
        "How much lower the Sharpe ratio in the whole window is than that of the best "
        "configuration of the space; before its first backtest of the whole window a search has "
        f"the regret of the worst ({data.regrets.max():.3f}). Medians over seeds; intervals by "
        "order statistics."
    )
    titles = ["seeds", "median regret", "95 %", "worst seed"]
    return Table("Regret, by bars spent", columns("spent, search", titles), rows, note)


def _levels(data: SearchData) -> Table:
    rows = [
        Row(
            [
                count(level.sessions),
                duration(level.backtest_ns),
                duration(level.bar_ns),
                count(level.distinct),
                ratio(level.rank_correlation),
                f"{level.regret:.3f}",
            ]
        )
        for level in level_figures(data)
    ]
    note = (
        "All configurations at all levels, by real, untraced backtests; medians of a stopwatch. "
        "Rank correlation: Spearman's, of the Sharpe ratios at this level with those in the whole "
        "window; the whole space is tabulated, so it has no sampling error. Regret: that of the "
        "configuration that is best at this level."
    )
    titles = ["backtest", "per bar", "different scores", "rank correlation", "regret of its best"]
    return Table("Fidelities", columns("sessions", titles), rows, note)


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


def _interval(interval: Interval, decimals: int) -> str:
    if interval is None:
        return _NOTHING
    return " … ".join(f"{end:.{decimals}f}" for end in interval)
