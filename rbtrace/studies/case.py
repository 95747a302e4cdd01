"""What a study plans and what it keeps: cases, and one line for each that was measured."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

type Settings = dict[str, int | float | str | bool]
"""What distinguishes one case from the others; plain values, so that it can be a key."""


class Case(NamedTuple):
    """One measurement that is to be made, in a fresh process.

    Attributes:
        settings: of the study's own; `repetition` among them where there are several alike.
        expected_s: about how long it takes on an idle machine, s.
        traced: whether the process is traced.
        sampled: whether its stacks are sampled, too, for the flame graph.
    """

    settings: Settings
    expected_s: float
    traced: bool = True
    sampled: bool = False

    @property
    def key(self) -> bytes:
        """The case in one line, the same in every process."""
        return key_of(self.settings, traced=self.traced, sampled=self.sampled)

    def run_id(self, study: str) -> str:
        """The run id of its spans: the same whenever it is measured."""
        return f"{study}-{hashlib.sha256(self.key).hexdigest()[:12]}"

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        if self.sampled:
            return f"{told}, sampled"
        return told if self.traced else f"{told}, untraced"


class Measured(Struct, frozen=True, kw_only=True):
    """One case that was measured.

    Attributes:
        settings: those of the case.
        traced: whether it was traced.
        run_id: the run id of its spans, which names their folder, too.
        started_ns: epoch ns.
        wall_ns: of the whole process, interpreter start and imports included.
        cpu_ns: user and system time of the process and the descendants it waited for.
        peak_bytes: greatest resident memory of any one process of the tree, as the kernel told
            whoever waited for it; None where that is too small to be told apart.
        load: load average of the last minute when it started; None where there is none.
        found: what the process itself measured.
        sampled: whether its stacks were sampled.
    """

    settings: Settings
    traced: bool
    run_id: str
    started_ns: int
    wall_ns: int
    cpu_ns: int
    peak_bytes: int | None
    load: float | None
    found: dict[str, Any]
    sampled: bool = False

    @property
    def key(self) -> bytes:
        """The key of its case."""
        return key_of(self.settings, traced=self.traced, sampled=self.sampled)


def key_of(settings: Settings, *, traced: bool, sampled: bool) -> bytes:
    """Settings in one line, whatever their order."""
    return msgspec.json.encode([settings, traced, *[sampled] * sampled], order="sorted")
