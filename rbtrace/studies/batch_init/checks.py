"""Checks of the study of batch initialisation: by a stopwatch that is not rbtrace, and untraced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import duration
from rbtrace.statistics import Comparison, compare_runs
from rbtrace.studies.batch_init.figures import Worker
from rbtrace.studies.batch_init.phases import PHASES, WHOLE, WHOLE_SPAN
from rbtrace.studies.stopwatch_checks import (
    COLUMNS,
    NOTE,
    TITLE,
    TwoClocks,
    two_clocks,
)

_SPANS: Final = {**{one.name: one.span for one in PHASES}, WHOLE: WHOLE_SPAN}


def agreements(found: Sequence[Worker], results: Results) -> dict[str, TwoClocks]:
    """Each phase, and the whole backtest as the last, in all traced workers, by its name."""
    batches = [one.backtests for one in found if one.traced]
    told = {
        span: sum(backtest.get(phase, 0) for batch in batches for backtest in batch)
        for phase, span in _SPANS.items()
    }
    agreed = two_clocks(told, results)
    return {phase: agreed[span] for phase, span in _SPANS.items()}


def agreement_table(found: Mapping[str, TwoClocks]) -> Table:
    """The two clocks beside each other."""
    rows = [Row([phase, _SPANS[phase], *one.cells]) for phase, one in found.items()]
    return Table(TITLE, columns("phase", ["span", *COLUMNS]), rows, NOTE)


class Tracing(NamedTuple):
    """Warm initialisation of workers without tracing and with it, for one number of assets, ns."""

    assets: int
    untraced: list[float]
    traced: list[float]

    @property
    def compared(self) -> Comparison:
        """Traced ÷ untraced."""
        return compare_runs(self.untraced, self.traced)


def tracing(found: Sequence[Worker]) -> list[Tracing]:
    """The sizes that were measured both ways, by the stopwatch."""
    plain = [one for one in found if not one.traced]
    both = []
    for assets in sorted({one.assets for one in plain}):
        without = [one for one in plain if one.assets == assets]
        sessions = {one.sessions for one in without}
        traced = [
            one.warm
            for one in found
            if one.traced and one.assets == assets and one.sessions in sessions
        ]
        if traced:
            both.append(Tracing(assets, [one.warm for one in without], traced))
    return both


def tracing_table(found: Sequence[Tracing]) -> Table:
    """What tracing adds to a warm initialisation."""
    rows = []
    for one in found:
        compared = one.compared
        rows.append(
            Row(
                [
                    str(one.assets),
                    f"{len(one.untraced)} and {len(one.traced)}",
                    duration(median(one.untraced)),
                    duration(median(one.traced)),
                    f"{compared.ratio:.3f}",
                    "–" if compared.ci is None else " … ".join(f"{x:.3f}" for x in compared.ci),
                ]
            )
        )
    note = "Warm initialisation by the stopwatch, in processes with and without tracing."
    titles = ["processes", "untraced", "traced", "traced ÷ untraced", "95 %"]
    return Table("Check: what tracing adds", columns("assets", titles), rows, note)
