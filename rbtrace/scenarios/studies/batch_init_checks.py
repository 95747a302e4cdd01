"""Checks of the study of batch initialisation: by a stopwatch that is not rbtrace, and untraced."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count, duration
from rbtrace.scenarios.studies.batch_init_figures import Worker
from rbtrace.scenarios.studies.phases import PHASES, WHOLE, WHOLE_SPAN
from rbtrace.statistics import Comparison, compare_runs


class Agreement(NamedTuple):
    """One phase by two clocks: sums over all calls in all traced workers, ns.

    Attributes:
        phase: its name.
        span: the name of its spans.
        calls: how many there were.
        stopwatch: what a stopwatch around them shows.
        spans: what their spans add up to.
    """

    phase: str
    span: str
    calls: int
    stopwatch: int
    spans: int

    @property
    def ratio(self) -> float | None:
        """Spans ÷ stopwatch; None where either has nothing."""
        return self.spans / self.stopwatch if self.spans and self.stopwatch else None


def agreements(found: Sequence[Worker], results: Results) -> list[Agreement]:
    """Each phase, and the whole backtest as the last, by a stopwatch and by spans."""
    batches = [one.backtests for one in found if one.traced]
    operations = {one.name: one for one in results.operations}
    both = []
    for phase, span in [*((one.name, one.span) for one in PHASES), (WHOLE, WHOLE_SPAN)]:
        told = sum(backtest.get(phase, 0) for batch in batches for backtest in batch)
        operation = operations.get(span)
        calls, total = (operation.calls, operation.total_ns) if operation else (0, 0)
        both.append(Agreement(phase, span, calls, told, total))
    return both


def agreement_table(found: Sequence[Agreement]) -> Table:
    """The two clocks beside each other."""
    rows = [
        Row(
            [
                one.phase,
                one.span,
                count(one.calls),
                duration(one.stopwatch),
                duration(one.spans),
                "–" if one.ratio is None else f"{one.ratio:.5f}",
            ]
        )
        for one in found
    ]
    note = (
        "The same calls in the same processes: a stopwatch of perf_counter around them, and the "
        "total of their spans. The stopwatch stands outside of the tracing, so it is a little "
        "longer."
    )
    titles = ["span", "calls", "stopwatch", "rbtrace", "rbtrace ÷ stopwatch"]
    return Table("Check: a stopwatch that is not rbtrace", columns("phase", titles), rows, note)


class Tracing(NamedTuple):
    """Warm initialisation without tracing and with it, for one number of assets; medians, ns."""

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
