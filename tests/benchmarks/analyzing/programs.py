"""Programs that analyze traces: what each reads, how it is run, and what its output says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple

from tests.benchmarks.analyzing.forest import Trace
from tests.benchmarks.analyzing.writing import write_json, write_protobuf

_KIB: Final = 1024
_LOOK_EVERY_S: Final = 0.01


class SelfTimes(NamedTuple):
    """What a program says of a trace.

    Attributes:
        self_ns: self time of every operation; empty if it gives none.
        critical_path_ns: the sum of its critical paths, where it gives these alone.
    """

    self_ns: Mapping[str, int]
    critical_path_ns: int | None = None


class Format(NamedTuple):
    """A format of traces.

    Attributes:
        suffix: of the file's name.
        unit_ns: the finest time that it knows.
        write: writes traces to a path.
    """

    suffix: str
    unit_ns: int
    write: Callable[[Path, Iterable[Trace]], None]


class Program(NamedTuple):
    """A program; the path of its input is appended to its command."""

    name: str
    input: Format
    command: tuple[str, ...]
    read: Callable[[str], SelfTimes]


def _json(path: Path, traces: Iterable[Trace]) -> None:
    with path.open("wb") as file:
        for trace in traces:
            write_json(file, trace)


def _protobuf(path: Path, traces: Iterable[Trace]) -> None:
    with path.open("wb") as file:
        for trace in traces:
            write_protobuf(file, trace)


def _read_report(output: str) -> SelfTimes:
    spent: Counter[str] = Counter()
    for row in json.loads(output)["operations"]:
        spent[row["name"]] += row["self_ns"]
    return SelfTimes(spent)


def _read_lines(output: str) -> SelfTimes:
    rows = (line.split("\t") for line in output.splitlines())
    return SelfTimes({name: int(self_ns) for name, self_ns in rows})


OTLP_JSON: Final = Format("jsonl", 1, _json)
_OTLP_PROTOBUF: Final = Format("binpb", 1, _protobuf)
_ANALYZE: Final = (sys.executable, "-m", "rbtrace", "analyze", "--format", "json")
_BARE: Final = (sys.executable, "-m", "tests.benchmarks.analyzing.reference")

BARE: Final = Program("bare script, JSON", OTLP_JSON, _BARE, _read_lines)
OURS: Final = (
    BARE,
    Program("rbtrace, JSON", OTLP_JSON, _ANALYZE, _read_report),
    Program("rbtrace, protobuf", _OTLP_PROTOBUF, _ANALYZE, _read_report),
)
"""What is always measured; everything is compared with the first."""


@dataclass(slots=True)
class Arm:
    """A program on an input.

    Attributes:
        spans: how many the input has.
        cpu_s: CPU time of each of its processes and of their children, s.
        peak_bytes: peak memory of each, that of the greatest of its processes.
        output: what its last process said.
        problem: why it is not run again; empty while all is well.
    """

    program: Program
    path: Path
    spans: int
    cpu_s: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    output: SelfTimes | None = None
    problem: str = ""

    def run(self, limit_s: float) -> None:
        """Run it once in a fresh process; a failure is noted in `problem`."""
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [*self.program.command, str(self.path)],
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            try:
                used = _wait(process, limit_s)
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            if used is None:
                self.problem = f"took longer than {limit_s:g} s"
            elif process.returncode:
                self.problem = f"failed: {_last_line(errors) or process.returncode}"
            else:
                self.cpu_s.append(used[0])
                self.peak_bytes.append(used[1])
                output.seek(0)
                self.output = self.program.read(output.read())


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> tuple[float, int] | None:
    """CPU time, s, and peak memory, bytes, of a process that has ended; None if it has not."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        identity, status, usage = os.wait4(process.pid, os.WNOHANG)
        if identity:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB
        time.sleep(_LOOK_EVERY_S)
    return None


def _last_line(file: IO[str]) -> str:
    file.seek(0)
    lines = file.read().strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""
