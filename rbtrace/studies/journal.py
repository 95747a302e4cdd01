"""What a study keeps in its folder: where it was measured, and a line for each case."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from rbtrace.errors import InputError
from rbtrace.studies.case import Measured

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
        found = {}
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                one = msgspec.json.decode(line, type=Measured)
            except ValueError as problem:
                raise InputError(f"{path}, line {number} is not a case: {problem}") from None
            found[one.key] = one
        return found

    def traces(self, one: Measured) -> Path:
        """Where the spans of a case are."""
        return self.folder / TRACES / one.run_id
