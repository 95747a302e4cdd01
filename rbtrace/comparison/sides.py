"""The runs that are compared in time: in pairs where they have any, else all of both arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rbtrace.comparison.arms import Arm, Run
from rbtrace.comparison.work import matched


@dataclass(frozen=True, slots=True)
class Sides:
    """Runs of the baseline and of the candidate; at the same place where they are `paired`."""

    baseline: list[Run]
    candidate: list[Run]
    paired: bool

    @property
    def starts(self) -> tuple[list[int], list[int]] | None:
        """When the runs of both sides started, epoch ns; None if that is not known of all."""
        known = [
            [run.started_ns for run in side if run.started_ns is not None]
            for side in (self.baseline, self.candidate)
        ]
        if [len(side) for side in known] != [len(self.baseline), len(self.candidate)]:
            return None
        return known[0], known[1]

    def values(self, of: Callable[[Run], float | None]) -> tuple[list[float], list[float]] | None:
        """A figure of every run of both sides; None where some run has none above 0."""
        found = [[of(run) for run in side] for side in (self.baseline, self.candidate)]
        known = [[value for value in side if value is not None and value > 0] for side in found]
        if [len(side) for side in known] != [len(side) for side in found]:
            return None
        return known[0], known[1]


def sides_of(baseline: Arm, candidate: Arm) -> tuple[Sides, list[str]]:
    """Choose the runs to compare, and say what was left out."""
    pairs = matched(baseline, candidate)
    if not pairs:
        return Sides(list(baseline.runs), list(candidate.runs), paired=False), []
    alone = len(baseline.runs) + len(candidate.runs) - 2 * len(pairs)
    warnings = [f"{alone} runs without a partner are left out of the times"] if alone else []
    return Sides([a for a, _ in pairs], [b for _, b in pairs], paired=True), warnings
