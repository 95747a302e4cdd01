"""What a benchmark keeps: a plan that never changes, and one line for each run.

`bench.json` is written once, before the first run; to `runs.jsonl` whole pairs are appended. So an
interrupted benchmark keeps what it measured, and a finished one is never altered. Both are
described in `docs/comparing.md`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from rbtrace.errors import InputError

VERSION: Final = 1
KIND: Final = "rbtrace bench"
PLAN: Final = "bench.json"
RUNS: Final = "runs.jsonl"
TRACES: Final = "traces"
BASELINE: Final = "baseline"
CANDIDATE: Final = "candidate"
ARMS: Final = (BASELINE, CANDIDATE)


class Command(Struct, frozen=True):
    """What one arm runs: program and arguments, in which folder, and what is known of both."""

    arguments: list[str]
    folder: str
    revision: str | None = None
    versions: dict[str, str] = {}


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that was settled before the first run.

    Attributes:
        kind: always `KIND`, so that the file can be told from others.
        version: of the format.
        identity: begins the run ids, so that runs of several benchmarks can lie side by side.
        baseline: the command of one arm.
        candidate: the command of the other.
        pairs: number of pairs; with `looks`, the greatest.
        looks: numbers of pairs after which it may end early; empty for a fixed number.
        warmup: pairs that run first and are not kept.
        traced: whether both arms are traced.
        seed: of the order within the pairs.
        timeout_s: after how long a command counts as hanging.
        environment: the machine and its settings, see `rbtrace.comparison.bench.environment`.
        created: when, UTC, ISO 8601.
        rbtrace: version of rbtrace.
    """

    kind: str = KIND
    version: int = VERSION
    identity: str = ""
    baseline: Command
    candidate: Command
    pairs: int
    looks: list[int] = []
    warmup: int = 1
    traced: bool = True
    seed: int = 0
    timeout_s: float = 600.0
    environment: dict[str, Any] = {}
    created: str = ""
    rbtrace: str = ""

    def command(self, arm: str) -> Command:
        """The command of an arm."""
        return self.baseline if arm == BASELINE else self.candidate


class ProcessRun(Struct, frozen=True, kw_only=True):
    """One finished process.

    Attributes:
        pair: number of the pair, from 1.
        order: 1 if it was the first of its pair, else 2.
        arm: `baseline` or `candidate`.
        run_id: the run id of its spans, which names their folder, too.
        started_ns: epoch ns.
        wall_ns: of the whole process, interpreter start and imports included.
        cpu_ns: user and system time of the process and the descendants it waited for.
        peak_bytes: greatest resident memory of any one process of the tree; None where it is too
            small to be told from that of rbtrace bench.
        load: load average of the last minute when it started; None where there is none.
    """

    pair: int
    order: int
    arm: str
    run_id: str
    started_ns: int
    wall_ns: int
    cpu_ns: int
    peak_bytes: int | None
    load: float | None = None


def is_result(folder: Path) -> bool:
    """Whether a folder is one that `rbtrace bench` wrote."""
    return (folder / PLAN).is_file()


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan into a folder that has none.

    Raises:
        InputError: there is one already, or the folder cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / PLAN).open("xb") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"{folder} already has a benchmark: go on with --resume, or name another folder"
        ) from None
    except OSError as problem:
        raise InputError(f"cannot write {folder}: {problem.strerror}") from None


def read_plan(folder: Path) -> Plan:
    """Read the plan of a benchmark.

    Raises:
        InputError: there is none, it is damaged, or a later version wrote it.
    """
    path = folder / PLAN
    try:
        raw = path.read_bytes()
        version = msgspec.json.decode(raw, type=dict[str, Any]).get("version")
        if isinstance(version, int) and version > VERSION:
            raise InputError(f"{path} has format {version}; this rbtrace reads up to {VERSION}")
        plan = msgspec.json.decode(raw, type=Plan)
    except OSError as problem:
        raise InputError(f"no benchmark in {folder}: {problem.strerror}") from None
    except ValueError as problem:
        raise InputError(f"{path} is not a plan of rbtrace bench: {problem}") from None
    if plan.kind != KIND:
        raise InputError(f"{path} is not a plan of rbtrace bench")
    return plan


def append_pair(folder: Path, runs: Sequence[ProcessRun]) -> None:
    """Keep the runs of one more pair, a whole line each."""
    lines = b"".join(msgspec.json.encode(run) + b"\n" for run in runs)
    file = os.open(folder / RUNS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, lines)
    finally:
        os.close(file)


def read_runs(folder: Path) -> list[ProcessRun]:
    """Read the finished runs, in the order in which they ran.

    Raises:
        InputError: a line is not a run, or the same run is there twice.
    """
    path = folder / RUNS
    if not path.exists():
        return []
    runs: list[ProcessRun] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            runs.append(msgspec.json.decode(line, type=ProcessRun))
        except ValueError as problem:
            raise InputError(f"{path}, line {number} is not a run: {problem}") from None
    if sorted((run.pair, run.arm) for run in runs) != [
        (pair, arm) for pair in range(1, len(runs) // 2 + 1) for arm in ARMS
    ]:
        raise InputError(f"{path} is not as it was written: it does not hold whole pairs from 1 on")
    return runs
