"""Arms: the runs of one configuration each, their measures, and which runs belong in pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rbtrace.analysis.runs import CallPathKey

WALL: Final = "wall"
SELF: Final = "self"
PROCESS_WALL: Final = "process wall"
PROCESS_CPU: Final = "process CPU"
PEAK_MEMORY: Final = "peak memory"

TRACES: Final = "traces"
BENCH: Final = "rbtrace bench"
RECORDED: Final = frozenset({TRACES, BENCH})
"""Sources whose traced times mean the same."""
REVISION: Final = "revision"
"""Name, in an environment, of what arms of a benchmark are meant to differ in."""


class Measure(NamedTuple):
    """Something measured once in every run. Of the first of an arm's measures a gate is made."""

    name: str
    unit: str
    meaning: str


MEASURES: Final = {
    measure.name: measure
    for measure in (
        Measure(WALL, "ns", "time that passed in the traced part of a run"),
        Measure(SELF, "ns", "self time of all operations, of all processes together"),
        Measure(PROCESS_WALL, "ns", "time from a process's start to its end"),
        Measure(PROCESS_CPU, "ns", "CPU time of a process and its descendants"),
        Measure(PEAK_MEMORY, "byte", "greatest resident memory of any one process"),
    )
}


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One run of an arm.

    Attributes:
        name: its id.
        measures: by name of `MEASURES`.
        self_ns: self time by operation; empty where that is not known.
        calls: number of calls by call path; None where they were not recorded.
        fingerprints: digests of what was computed, sorted; empty where there are none.
        hosts: where it ran.
        pair: number of its pair; None if it belongs to none.
        started_ns: epoch ns; None where that is not known.
    """

    name: str
    measures: Mapping[str, float]
    self_ns: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[CallPathKey, int] | None = None
    fingerprints: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    pair: int | None = None
    started_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs of one configuration.

    Attributes:
        name: what the user named it.
        source: what recorded it: `traces`, `rbtrace bench`, `pyperf`, `pytest-benchmark`.
        runs: in order of start, as far as that is known.
        environment: what its figures depend on, by name.
        plan: identifies the benchmark that made pairs of its runs with those of another arm.
        interim_analyses: numbers of pairs after which that benchmark could have ended.
        warnings: what to know about it.
    """

    name: str
    source: str
    runs: tuple[ArmRun, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    interim_analyses: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """Runs of the baseline and of the candidate; pair by pair where they are `paired`."""

    baseline: list[ArmRun]
    candidate: list[ArmRun]
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

    def values(
        self, of: Callable[[ArmRun], float | None]
    ) -> tuple[list[float], list[float]] | None:
        """A figure of every run of both sides; None where some run has none above 0."""
        figures = [[of(run) for run in side] for side in (self.baseline, self.candidate)]
        known = [[value for value in side if value is not None and value > 0] for side in figures]
        if [len(side) for side in known] != [len(side) for side in figures]:
            return None
        return known[0], known[1]


def sides_of(baseline: Arm, candidate: Arm) -> tuple[Sides, list[str]]:
    """Choose the runs to compare, and say what was left out."""
    pairs = paired_runs(baseline, candidate)
    if not pairs:
        return Sides(list(baseline.runs), list(candidate.runs), paired=False), []
    alone = len(baseline.runs) + len(candidate.runs) - 2 * len(pairs)
    warnings = [f"{alone} runs without a partner are left out of the times"] if alone else []
    return Sides(
        [before for before, _ in pairs], [after for _, after in pairs], paired=True
    ), warnings


def paired_runs(baseline: Arm, candidate: Arm) -> list[tuple[ArmRun, ArmRun]]:
    """The runs of both arms that belong together, by pair; empty where they are not paired.

    They are paired when every run has a pair, none twice in an arm, and both arms come from the
    same benchmark as far as that is known.
    """
    if baseline.plan != candidate.plan:
        return []
    sides = []
    for arm in (baseline, candidate):
        by_pair = {run.pair: run for run in arm.runs}
        if None in by_pair or len(by_pair) < len(arm.runs):
            return []
        sides.append(by_pair)
    ours, theirs = sides
    common = sorted(pair for pair in ours if pair is not None and pair in theirs)
    return [(ours[pair], theirs[pair]) for pair in common]
