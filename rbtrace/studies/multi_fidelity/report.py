"""What the study of multi-fidelity searches says."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Picture, Report, Row, Table, columns
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
from rbtrace.studies.shared_tables import stopwatch_table, two_clocks


class Agreement(NamedTuple):
    """A search on the engine beside the one with the same seed that looked up its scores."""

    run: SearchRun
    same: int
    looked_up: int

    @property
    def exact(self) -> bool:
        """Whether they agree evaluation by evaluation: configuration, level, score and bars."""
        return self.same == self.looked_up == len(self.run.evaluations)


def agreements(found: SearchData) -> list[Agreement]:
    """Each search that ran real backtests, compared."""
    replays = {(one.search, one.seed): one.evaluations for one in found.replays}
    compared = []
    for run in found.runs:
        other = replays[run.search, run.seed]
        pairs = zip(run.evaluations, other, strict=False)
        same = sum(one._replace(ns=0) == two._replace(ns=0) for one, two in pairs)
        compared.append(Agreement(run, same, len(other)))
    return compared


def agreement_table(found: SearchData) -> Table:
    """Searches on the engine beside those of the same seeds that looked their scores up."""
    rows = []
    for one in agreements(found):
        run = one.run
        backtests = sum(evaluation.ns for evaluation in run.evaluations)
        rows.append(
            Row(
                [
                    f"{run.search}, seed {run.seed}",
                    count(len(run.evaluations)),
                    count(one.same),
                    "yes" if one.exact else "NO",
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


def _stopwatch(found: SearchData, results: Results) -> Table:
    stopwatch = {
        "run_algorithm": sum(one.ns for run in found.runs for one in run.evaluations),
        "Optimizer.optimize": sum(run.optimize_ns for run in found.runs),
    }
    compared = two_clocks(stopwatch, results)
    return stopwatch_table(["span"], (([span], clocks) for span, clocks in compared.items()))


def agreement_sentence(found: SearchData) -> str:
    """How many searches agree."""
    compared = agreements(found)
    exact = sum(one.exact for one in compared)
    backtests = sum(len(one.run.evaluations) for one in compared)
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
    found = SearchData.of(evidence.measured)
    space = found.space
    times = times_to_targets(found)
    return Report(
        title=TITLE,
        complete=evidence.complete,
        integrity=evidence.opening(),
        figures=[
            ("configurations", count(len(space.configurations))),
            ("sessions", " ".join(map(str, space.levels))),
            ("budget of a search", f"{count(found.budget)} bars ({space.budget} whole backtests)"),
            ("real backtests", count(_real_backtests(found))),
            ("seeds", count(len(found.of_search(MULTI_FIDELITY)))),
            ("of them on the engine", ", ".join(f"{r.search} {r.seed}" for r in found.runs)),
        ],
        tables=[
            _times(found, times),
            _regrets(found),
            _levels(found),
            stopping_table(found),
            agreement_table(found),
            _stopwatch(found, evidence.results),
            evidence.operations(),
        ],
        findings=_sentences(found, times),
        pictures=[_picture(found)],
        warnings=evidence.warnings(),
    )


def _real_backtests(found: SearchData) -> int:
    return len(found.table) + sum(len(run.evaluations) for run in found.runs)


def _times(found: SearchData, times: Sequence[TimeToTarget]) -> Table:
    """The medians, with what does not get there counted as censored."""
    whole = found.space.whole
    rows = []
    for one in times:
        target, value = one.target, one.median.value
        rows.append(
            Row(
                [
                    f"{target.name}, {one.search}",
                    f"{target.regret:.3f}",
                    count(target.configurations),
                    f"{one.reached} of {one.seeds}",
                    _NOTHING if value is None else count(round(value)),
                    _in_backtests(value, whole),
                    " … ".join(_in_backtests(end, whole) for end in one.median.ci),
                    _NOTHING if one.p is None else _p_value(one.p),
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


def _regrets(found: SearchData) -> Table:
    rows = []
    for part in (0.25, 0.5, 1.0):
        for name in SEARCHES:
            regrets = [found.regret_at(run, part * found.budget) for run in found.of_search(name)]
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
        f"the regret of the worst ({found.regrets.max():.3f}). Medians over seeds; intervals by "
        "order statistics."
    )
    titles = ["seeds", "median regret", "95 %", "worst seed"]
    return Table("Regret, by bars spent", columns("spent, search", titles), rows, note)


def _levels(found: SearchData) -> Table:
    rows = [
        Row(
            [
                count(one.sessions),
                duration(one.backtest_ns),
                duration(one.bar_ns),
                count(one.distinct),
                ratio(one.rank_correlation),
                f"{one.regret:.3f}",
            ]
        )
        for one in level_figures(found)
    ]
    note = (
        "All configurations at all levels, by real, untraced backtests; medians of a stopwatch. "
        "Rank correlation: Spearman's, of the Sharpe ratios at this level with those in the whole "
        "window; the whole space is tabulated, so it has no sampling error. Regret: that of the "
        "configuration that is best at this level."
    )
    titles = ["backtest", "per bar", "different scores", "rank correlation", "regret of its best"]
    return Table("Fidelities", columns("sessions", titles), rows, note)


def _sentences(found: SearchData, times: Sequence[TimeToTarget]) -> list[str]:
    said = _time_sentences(found, times)
    whole = found.space.whole
    said += stopping_sentences(found)
    said += [
        f"A backtest of {one.sessions} sessions costs {percent(one.sessions / whole)} of the bars "
        f"and {percent(one.backtest_ns / top.backtest_ns)} of the time of a whole one, and ranks "
        f"configurations with a rank correlation of {ratio(one.rank_correlation)}."
        for *lower, top in [level_figures(found)]
        for one in lower
    ]
    said.append(agreement_sentence(found))
    return said


def _time_sentences(found: SearchData, times: Sequence[TimeToTarget]) -> list[str]:
    """A sentence for each target, and the multi-fidelity search against each other."""
    whole = found.space.whole
    said = []
    for target in found.targets:
        of_target = {one.search: one for one in times if one.target == target}
        own = of_target.pop(MULTI_FIDELITY)
        others = "; ".join(
            f"{one.search}: {_reach(one, whole)}, {_verdict(one.p)}" for one in of_target.values()
        )
        said.append(
            f"Quality “{target.name}” (regret at most {target.regret:.3f}). {MULTI_FIDELITY}: "
            f"{_reach(own, whole)}; {others}."
        )
    return said


def _reach(one: TimeToTarget, whole: int) -> str:
    got = f"{one.reached} of {one.seeds} seeds"
    if one.median.value is None:
        return f"{got}, median beyond the budget"
    return f"{got}, median {_in_backtests(one.median.value, whole)} whole backtests"


def _verdict(p: float | None) -> str:
    if p is None:
        return "not comparable"
    return f"p {_p_value(p, '= ')}" if p < 0.05 else f"no difference shown (p = {p:.2f})"


def _p_value(p: float, equals: str = "") -> str:
    return f"{equals}{p:.4f}" if p >= 0.0001 else "< 0.0001"


def _in_backtests(bars: float | None, whole: int) -> str:
    return _NOTHING if bars is None else f"{bars / whole:.1f}"


def _picture(found: SearchData) -> Picture:
    places = [found.budget * step / _STEPS for step in range(_STEPS + 1)]
    bands = []
    for name in SEARCHES:
        runs = found.of_search(name)
        thirds = [
            quantiles([found.regret_at(run, place) for run in runs], n=4, method="inclusive")
            for place in places
        ]
        low, middle, high = zip(*thirds, strict=True)
        backtests = [place / found.space.whole for place in places]
        bands.append(plots.Band(name, backtests, low, middle, high))
    drawn = plots.steps(bands, "bars simulated, in whole backtests", "regret, Sharpe ratio")
    title = "Regret over bars: median of the seeds, and the half in the middle"
    return Picture(title, "regret.svg", drawn)


def _interval(interval: Interval, decimals: int) -> str:
    if interval is None:
        return _NOTHING
    return " … ".join(f"{end:.{decimals}f}" for end in interval)
