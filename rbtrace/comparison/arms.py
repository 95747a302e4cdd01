"""An arm: the runs of one configuration, whatever recorded them."""

from __future__ import annotations

from collections.abc import Mapping
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
    one.name: one
    for one in (
        Measure(WALL, "ns", "time that passed in the traced part of a run"),
        Measure(SELF, "ns", "self time of all operations, of all processes together"),
        Measure(PROCESS_WALL, "ns", "time from a process's start to its end"),
        Measure(PROCESS_CPU, "ns", "CPU time of a process and its descendants"),
        Measure(PEAK_MEMORY, "byte", "greatest resident memory of any one process"),
    )
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

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
        looks: numbers of pairs after which that benchmark could have ended.
        warnings: what to know about it.
    """

    name: str
    source: str
    runs: tuple[Run, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    looks: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
