"""Figures of batch initialisation: by worker, by number of assets, and their power law."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.statistics import Comparison, PowerLaw, compare_runs, fit_power_law, share_interval
from rbtrace.statistics.power_law import LEAST_SIZES, PARAMETERS
from rbtrace.statistics.shares import ShareInterval
from rbtrace.studies.journal import Measured
from rbtrace.studies.shared_tables import TwoClocks, two_clocks


class Phase(NamedTuple):
    """One function of the engine that prepares a backtest, or runs it.

    Attributes:
        name: what reports call it.
        function: where its caller finds it: owner and attribute.
        span: the name of its spans.
        marked: whether the study itself marks it for tracing; the engine's table has the others.
        within: the phase it is part of, if of another than the whole.
    """

    name: str
    function: tuple[str, str]
    span: str
    marked: bool = True
    within: str = ""


WHOLE: Final = "whole backtest"
WHOLE_SPAN: Final = "run_algorithm"
RUN: Final = "run"
INITIALIZE: Final = "strategy's initialize"
LOAD: Final = "bundle load"

_RUN_ALGO: Final = "rustybt.utils.run_algo"

PHASES: Final = (
    Phase(LOAD, (f"{_RUN_ALGO}:bundles", "load"), "bundles.load", marked=False),
    Phase(
        "asset finder",
        ("rustybt.data.bundles.core:AssetFinder", "__init__"),
        "AssetFinder.__init__",
        within=LOAD,
    ),
    Phase(
        "bar reader",
        ("rustybt.data.bundles.core:BcolzDailyBarReader", "__init__"),
        "BcolzDailyBarReader.__init__",
        within=LOAD,
    ),
    Phase(
        "adjustment reader",
        ("rustybt.data.bundles.core:SQLiteAdjustmentReader", "__init__"),
        "SQLiteAdjustmentReader.__init__",
        within=LOAD,
    ),
    Phase("calendar", (_RUN_ALGO, "get_calendar"), "get_calendar"),
    Phase("data portal", (f"{_RUN_ALGO}:DataPortal", "__init__"), "DataPortal.__init__"),
    Phase("algorithm", (f"{_RUN_ALGO}:TradingAlgorithm", "__init__"), "TradingAlgorithm.__init__"),
    Phase(
        INITIALIZE,
        (f"{_RUN_ALGO}:TradingAlgorithm", "initialize"),
        "TradingAlgorithm.initialize",
        marked=False,
        within=RUN,
    ),
    Phase(RUN, (f"{_RUN_ALGO}:TradingAlgorithm", "run"), "TradingAlgorithm.run", marked=False),
)


TOP: tuple[str, ...] = tuple(
    phase.name
    for phase in PHASES
    if phase.name != RUN and (not phase.within or phase.name == INITIALIZE)
)
"""The phases that, with what is between them, make up the initialisation."""


class Worker(NamedTuple):
    """One process that ran a batch; times in ns, memory in bytes."""

    assets: int
    sessions: int
    traced: bool
    backtests: list[dict[str, int]]
    before: int
    resident: list[int]
    peak: int | None
    kernel_peak: int | None

    @classmethod
    def of(cls, measured: Measured) -> Worker:
        """What a case says."""
        figures = measured.results
        return cls(
            int(measured.settings["assets"]),
            int(measured.settings["sessions"]),
            measured.traced,
            figures["backtests"],
            figures["before_bytes"],
            figures["resident_bytes"],
            figures["peak_bytes"],
            measured.peak_bytes,
        )

    @property
    def cold(self) -> int:
        """Initialisation of its first backtest."""
        return initialisation(self.backtests[0])

    @property
    def warm(self) -> float:
        """Median initialisation of its later backtests."""
        return median(map(initialisation, self.backtests[1:]))

    def warm_phase(self, phase: str) -> float:
        """Median time of a phase in its later backtests."""
        return median(backtest.get(phase, 0) for backtest in self.backtests[1:])

    @property
    def growth(self) -> float:
        """Resident memory that each backtest after the first adds."""
        return (self.resident[-1] - self.resident[0]) / max(1, len(self.resident) - 1)

    @property
    def warm_sums(self) -> tuple[int, int]:
        """Initialisation and whole of its later backtests."""
        later = self.backtests[1:]
        return sum(map(initialisation, later)), sum(backtest[WHOLE] for backtest in later)


def initialisation(backtest: dict[str, int]) -> int:
    """All of a backtest but its run, and the strategy's own preparation, ns."""
    return backtest[WHOLE] - backtest[RUN] + backtest.get(INITIALIZE, 0)


def batch_workers(measured: Sequence[Measured]) -> list[Worker]:
    """The processes that ran a batch."""
    return [Worker.of(case) for case in measured if case.settings["do"] == "batch"]


def by_size(workers: Sequence[Worker]) -> dict[tuple[int, int], list[Worker]]:
    """Traced workers by sessions and assets, ascending."""
    groups: dict[tuple[int, int], list[Worker]] = defaultdict(list)
    for worker in workers:
        if worker.traced:
            groups[worker.sessions, worker.assets].append(worker)
    return dict(sorted(groups.items()))


def warm_median(group: Sequence[Worker], phase: str) -> float:
    """Median over workers of a phase in their later backtests, ns."""
    return median(worker.warm_phase(phase) for worker in group)


def warm_rest(group: Sequence[Worker]) -> float:
    """Median over workers of what no phase has of the initialisation of later backtests, ns."""
    return median(
        median(
            initialisation(backtest) - sum(backtest.get(phase, 0) for phase in TOP)
            for backtest in worker.backtests[1:]
        )
        for worker in group
    )


def warm_share(group: Sequence[Worker]) -> ShareInterval:
    """The initialisation's share of later backtests, with its interval over workers."""
    parts, wholes = zip(*(worker.warm_sums for worker in group), strict=True)
    return share_interval(parts, wholes)


class Law(NamedTuple):
    """How one quantity grows with the number of assets; the points are those of workers, s."""

    quantity: str
    assets: list[int]
    seconds: list[float]
    law: PowerLaw | None


def laws(workers: Sequence[Worker]) -> list[Law]:
    """The growth of initialisation and bundle load, over the shortest batches.

    A law is None where there are not enough different sizes, or no measurement to spare.
    """
    shortest = min((worker.sessions for worker in workers), default=0)
    chosen = [worker for worker in workers if worker.traced and worker.sessions == shortest]
    quantities: dict[str, Any] = {
        "cold initialisation": lambda worker: worker.cold,
        "warm initialisation": lambda worker: worker.warm,
        "cold bundle load": lambda worker: worker.backtests[0][LOAD],
        "warm bundle load": lambda worker: worker.warm_phase(LOAD),
    }
    assets = [worker.assets for worker in chosen]
    enough = len(set(assets)) >= LEAST_SIZES and len(assets) > PARAMETERS
    grown = []
    for name, value in quantities.items():
        seconds = [value(worker) / 1e9 for worker in chosen]
        law = fit_power_law(assets, seconds) if enough else None
        grown.append(Law(name, assets, seconds, law))
    return grown


SPAN_NAMES: Final = {**{phase.name: phase.span for phase in PHASES}, WHOLE: WHOLE_SPAN}


def agreements(workers: Sequence[Worker], results: Results) -> dict[str, TwoClocks]:
    """Each phase, and the whole backtest as the last, in all traced workers, by its name."""
    batches = [worker.backtests for worker in workers if worker.traced]
    stopwatch = {
        span: sum(backtest.get(phase, 0) for batch in batches for backtest in batch)
        for phase, span in SPAN_NAMES.items()
    }
    agreed = two_clocks(stopwatch, results)
    return {phase: agreed[span] for phase, span in SPAN_NAMES.items()}


class Tracing(NamedTuple):
    """Warm initialisation of workers without tracing and with it, for one number of assets, ns."""

    assets: int
    untraced: list[float]
    traced: list[float]

    @property
    def compared(self) -> Comparison:
        """Traced ÷ untraced."""
        return compare_runs(self.untraced, self.traced)


def tracing(workers: Sequence[Worker]) -> list[Tracing]:
    """The sizes that were measured both ways, by the stopwatch."""
    plain = [worker for worker in workers if not worker.traced]
    both = []
    for assets in sorted({worker.assets for worker in plain}):
        without = [worker for worker in plain if worker.assets == assets]
        sessions = {worker.sessions for worker in without}
        traced = [
            worker.warm
            for worker in workers
            if worker.traced and worker.assets == assets and worker.sessions in sessions
        ]
        if traced:
            both.append(Tracing(assets, [worker.warm for worker in without], traced))
    return both
