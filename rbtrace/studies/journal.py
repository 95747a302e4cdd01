"""Cases of a study, and its folder: one JSON line for each case that was measured."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from rbtrace.errors import InputError

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
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        if self.sampled:
            return f"{settings}, sampled"
        return settings if self.traced else f"{settings}, untraced"


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
        results: what the process itself measured.
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
    results: dict[str, Any] = field(name="found")
    sampled: bool = False

    @property
    def key(self) -> bytes:
        """The key of its case."""
        return key_of(self.settings, traced=self.traced, sampled=self.sampled)


def key_of(settings: Settings, *, traced: bool, sampled: bool) -> bytes:
    """Settings in one line, whatever their order."""
    return msgspec.json.encode([settings, traced, *[sampled] * sampled], order="sorted")


HEAD: Final = "study.json"
RUNS: Final = "runs.jsonl"
TRACES: Final = "traces"


class Head(Struct, frozen=True, kw_only=True):
    """Settled before the first case.

    Attributes:
        study: its name.
        environment: the machine and its settings, see `rbtrace.comparison.bench.environment`.
        versions: of Python, the engine and its libraries.
        created: when, UTC, ISO 8601.
        rbtrace: version of rbtrace.
    """

    study: str
    environment: dict[str, Any]
    versions: dict[str, str]
    created: str
    rbtrace: str


class Journal:
    """The folder of one study. A case is kept whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, fresh: Head) -> Head:
        """What is settled: as the folder has it, else as given, which is then kept.

        Raises:
            InputError: the folder cannot be written, or what it has is damaged or of another study.
        """
        path = self.folder / HEAD
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(msgspec.json.format(msgspec.json.encode(fresh), indent=1) + b"\n")
            kept = msgspec.json.decode(path.read_bytes(), type=Head)
        except OSError as problem:
            raise InputError(f"cannot write {self.folder}: {problem.strerror}") from None
        except ValueError as problem:
            raise InputError(f"{path} is damaged: {problem}; remove {self.folder}") from None
        if kept.study != fresh.study:
            raise InputError(f"{self.folder} is of the study {kept.study}, not {fresh.study}")
        return kept

    def keep(self, measured: Measured) -> None:
        """Append one case."""
        line = msgspec.json.encode(measured) + b"\n"
        file = os.open(self.folder / RUNS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(file, line) < len(line):
                raise InputError(f"no room in {self.folder}: free some, then go on")
        finally:
            os.close(file)

    def mend(self) -> None:
        """Cut off a last line that was not written to its end; its case is measured again."""
        path = self.folder / RUNS
        if path.exists():
            raw = path.read_bytes()
            whole = raw.rfind(b"\n") + 1
            if whole < len(raw):
                os.truncate(path, whole)

    def measured(self) -> dict[bytes, Measured]:
        """What is kept, by key.

        Raises:
            InputError: a line is none of ours.
        """
        path = self.folder / RUNS
        if not path.exists():
            return {}
        kept = {}
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                case = msgspec.json.decode(line, type=Measured)
            except ValueError as problem:
                raise InputError(f"{path}, line {number} is not a case: {problem}") from None
            kept[case.key] = case
        return kept
