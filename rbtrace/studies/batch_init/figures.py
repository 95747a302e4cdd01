"""Batch initialisation in figures: per worker, per number of assets, and as a law of growth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from rbtrace.statistics import PowerLaw, fit_power_law
from rbtrace.statistics.power_law import LEAST_SIZES, PARAMETERS
from rbtrace.studies.batch_init.phases import INITIALIZE, LOAD, PHASES, RUN, WHOLE
from rbtrace.studies.case import Measured

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
        found = measured.found
        return cls(
            int(measured.settings["assets"]),
            int(measured.settings["sessions"]),
            measured.traced,
            found["backtests"],
            found["before_bytes"],
            found["resident_bytes"],
            found["peak_bytes"],
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
        return median(one.get(phase, 0) for one in self.backtests[1:])

    @property
    def growth(self) -> float:
        """Resident memory that each backtest after the first adds."""
        return (self.resident[-1] - self.resident[0]) / max(1, len(self.resident) - 1)

    @property
    def warm_sums(self) -> tuple[int, int]:
        """Initialisation and whole of its later backtests."""
        later = self.backtests[1:]
        return sum(map(initialisation, later)), sum(one[WHOLE] for one in later)


def initialisation(backtest: dict[str, int]) -> int:
    """All of a backtest but its run, and the strategy's own preparation, ns."""
    return backtest[WHOLE] - backtest[RUN] + backtest.get(INITIALIZE, 0)


def workers(measured: Sequence[Measured]) -> list[Worker]:
    """The processes that ran a batch."""
    return [Worker.of(one) for one in measured if one.settings["do"] == "batch"]


def by_size(found: Sequence[Worker]) -> dict[tuple[int, int], list[Worker]]:
    """Traced workers by sessions and assets, ascending."""
    groups: dict[tuple[int, int], list[Worker]] = defaultdict(list)
    for one in found:
        if one.traced:
            groups[one.sessions, one.assets].append(one)
    return dict(sorted(groups.items()))


def warm_median(group: Sequence[Worker], phase: str) -> float:
    """Median over workers of a phase in their later backtests, ns."""
    return median(one.warm_phase(phase) for one in group)


class Law(NamedTuple):
    """How one quantity grows with the number of assets; the points are those of workers, s."""

    quantity: str
    assets: list[int]
    seconds: list[float]
    law: PowerLaw | None


def laws(found: Sequence[Worker]) -> list[Law]:
    """The growth of initialisation and bundle load, over the shortest batches.

    A law is None where there are not enough different sizes, or no measurement to spare.
    """
    shortest = min((one.sessions for one in found), default=0)
    chosen = [one for one in found if one.traced and one.sessions == shortest]
    quantities: dict[str, Any] = {
        "cold initialisation": lambda one: one.cold,
        "warm initialisation": lambda one: one.warm,
        "cold bundle load": lambda one: one.backtests[0][LOAD],
        "warm bundle load": lambda one: one.warm_phase(LOAD),
    }
    assets = [one.assets for one in chosen]
    enough = len(set(assets)) >= LEAST_SIZES and len(assets) > PARAMETERS
    found_laws = []
    for name, value in quantities.items():
        seconds = [value(one) / 1e9 for one in chosen]
        law = fit_power_law(assets, seconds) if enough else None
        found_laws.append(Law(name, assets, seconds, law))
    return found_laws
