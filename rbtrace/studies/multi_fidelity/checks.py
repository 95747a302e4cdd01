"""Whether looking scores up repeats the engine, and whether spans tell the time."""

from __future__ import annotations

from typing import NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent
from rbtrace.studies.multi_fidelity.figures import Findings, Run
from rbtrace.studies.stopwatch_checks import COLUMNS, NOTE, TITLE, two_clocks


class Agreement(NamedTuple):
    """A search on the engine beside the one with the same seed that looked up its scores."""

    run: Run
    same: int
    looked_up: int

    @property
    def exact(self) -> bool:
        """Whether they agree evaluation by evaluation: configuration, level, score and bars."""
        return self.same == self.looked_up == len(self.run.evaluations)


def agreements(found: Findings) -> list[Agreement]:
    """Each search that ran real backtests, compared."""
    replays = {(one.search, one.seed): one.evaluations for one in found.replays}
    compared = []
    for run in found.runs:
        other = replays[run.search, run.seed]
        pairs = zip(run.evaluations, other, strict=False)
        same = sum(one._replace(ns=0) == two._replace(ns=0) for one, two in pairs)
        compared.append(Agreement(run, same, len(other)))
    return compared


def agreement_table(found: Findings) -> Table:
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


def stopwatch_table(found: Findings, results: Results) -> Table:
    """What the spans say, beside a stopwatch around the same calls."""
    told = {
        "run_algorithm": sum(one.ns for run in found.runs for one in run.evaluations),
        "Optimizer.optimize": sum(run.optimize_ns for run in found.runs),
    }
    rows = [Row([span, *one.cells]) for span, one in two_clocks(told, results).items()]
    return Table(TITLE, columns("span", COLUMNS), rows, NOTE)


def agreement_in_words(found: Findings) -> str:
    """How many searches agree."""
    compared = agreements(found)
    exact = sum(one.exact for one in compared)
    backtests = sum(len(one.run.evaluations) for one in compared)
    return (
        f"{exact} of {len(compared)} searches that ran real backtests ({count(backtests)} of them) "
        "agree exactly with the searches of the same seeds that looked up their scores."
    )
