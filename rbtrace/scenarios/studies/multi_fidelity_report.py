"""What the study of multi-fidelity searches says."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Picture, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.scenarios.studies import plots
from rbtrace.scenarios.studies.evidence import Evidence
from rbtrace.scenarios.studies.multi_fidelity_figures import (
    Findings,
    Interval,
    agreements,
    level_figures,
    median_interval,
    stopping,
)
from rbtrace.scenarios.studies.multi_fidelity_searches import MULTI_FIDELITY, SEARCHES
from rbtrace.scenarios.studies.multi_fidelity_times import (
    TimeToTarget,
    time_in_words,
    times_table,
    times_to_targets,
)

TITLE = "Multi-fidelity search"

_NOTHING = "–"
_STEPS = 200
"""Places along the bars at which the regret is drawn."""


def multi_fidelity_report(evidence: Evidence) -> Report:
    """Compose the report of what is measured."""
    found = Findings.of(evidence.measured)
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
            times_table(found, times),
            _regrets(found),
            _levels(found),
            _stopping(found),
            _agreement(found),
            _stopwatch(found, evidence.results),
            evidence.operations(),
        ],
        findings=_sentences(found, times),
        pictures=[_picture(found)],
        warnings=evidence.warnings(),
    )


def _real_backtests(found: Findings) -> int:
    return len(found.table) + sum(len(run.evaluations) for run in found.runs)


def _regrets(found: Findings) -> Table:
    rows = []
    for part in (0.25, 0.5, 1.0):
        for name in SEARCHES:
            regrets = [found.regret_at(run, part * found.budget) for run in found.of_search(name)]
            rows.append(
                Row(
                    [
                        f"{part:.0%} of the budget, {name}",
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


def _levels(found: Findings) -> Table:
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


def _stopping(found: Findings) -> Table:
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


def _agreement(found: Findings) -> Table:
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


def _stopwatch(found: Findings, results: Results) -> Table:
    operations = {one.name: one for one in results.operations}
    told = {
        "run_algorithm": sum(one.ns for run in found.runs for one in run.evaluations),
        "Optimizer.optimize": sum(run.optimize_ns for run in found.runs),
    }
    rows = []
    for span, ns in told.items():
        operation = operations.get(span)
        total = operation.total_ns if operation else None
        rows.append(
            Row(
                [
                    span,
                    count(operation.calls if operation else 0),
                    duration(ns),
                    duration(total),
                    f"{total / ns:.5f}" if total is not None and ns else _NOTHING,
                ]
            )
        )
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "total of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    titles = ["calls", "stopwatch", "rbtrace", "rbtrace ÷ stopwatch"]
    return Table("Check: a stopwatch that is not rbtrace", columns("span", titles), rows, note)


def _sentences(found: Findings, times: Sequence[TimeToTarget]) -> list[str]:
    said = time_in_words(found, times)
    whole = found.space.whole
    all_seeds = [stopping(found, run) for run in found.of_search(MULTI_FIDELITY)]
    saved = [one.saved(whole) for one in all_seeds]
    started = median(one.started for one in all_seeds)
    said.append(
        f"The {started:g} configurations that the multi-fidelity search started would have cost "
        f"{median(one.started * whole / one.bars for one in all_seeds):.2f} times the bars, had "
        f"each been run in the whole window: early stopping saved {percent(median(saved))}"
        f"{_in_percent(median_interval(saved))}. Medians over {len(saved)} seeds."
    )
    good = sum(sum(one.good_stopped) for one in all_seeds)
    of_good = _started_and_good(found)
    stopped = sum(sum(one.stopped) for one in all_seeds)
    all_started = sum(one.started for one in all_seeds)
    better = sum(one.better_stopped for one in all_seeds)
    said.append(
        f"It wrongly stopped {good} of {of_good} started configurations that are among the best "
        f"{found.targets[0].configurations} ({percent(good / of_good if of_good else None)}); of "
        f"all that were started it stopped {percent(stopped / all_started)}. In {better} of "
        f"{len(all_seeds)} seeds it stopped one that is better than the best the search found."
    )
    said += [
        f"A backtest of {one.sessions} sessions costs {percent(one.sessions / whole)} of the bars "
        f"and {percent(one.backtest_ns / top.backtest_ns)} of the time of a whole one, and ranks "
        f"configurations with a rank correlation of {ratio(one.rank_correlation)}."
        for *lower, top in [level_figures(found)]
        for one in lower
    ]
    said.append(_agreement_in_words(found))
    return said


def _started_and_good(found: Findings) -> int:
    regret = found.targets[0].regret
    return sum(
        len({e.configuration for e in run.evaluations if found.regrets[e.configuration] <= regret})
        for run in found.of_search(MULTI_FIDELITY)
    )


def _agreement_in_words(found: Findings) -> str:
    compared = agreements(found)
    exact = sum(one.exact for one in compared)
    backtests = sum(len(one.run.evaluations) for one in compared)
    return (
        f"{exact} of {len(compared)} searches that ran real backtests ({count(backtests)} of them) "
        "agree exactly with the searches of the same seeds that looked up their scores."
    )


def _picture(found: Findings) -> Picture:
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


def _in_percent(interval: Interval) -> str:
    if interval is None:
        return ""
    return " (95 %: " + " … ".join(percent(end) for end in interval) + ")"
