"""Accuracy and cost of samplers, side by side on workloads whose shares are known.

The error of a sampler is the greatest difference between the share of a part that it finds and the
share that the same process timed. Its cost is the ratio of CPU time for the same work: it is turned
on and off many times within one process, in random order, because two processes of one program
differ by more than a good sampler costs, and so do two seconds of one process. A figure is the
median of a process's turns; the ratios of several processes are paired.
"""

from __future__ import annotations

import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import click
import msgspec

from rbtrace.comparison.bench.environment import untraced
from rbtrace.errors import RbtraceError
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.reporting.markdown import render_report
from rbtrace.reporting.model import Column, Report, Table
from rbtrace.statistics import Comparison, compare_runs
from tests.benchmarks.benchmarks import one_line_for_errors, ratio_and_interval, this_machine
from tests.benchmarks.known_work import (
    CPROFILE,
    NONE,
    PARTS,
    WORKLOADS,
    RoundTimes,
    WorkRequest,
    WorkResult,
)
from tests.support.stepped_process import SteppedProcess

SIGNAL: Final = "signal"
PY_SPY: Final = "py-spy"
SWITCHED: Final = (SIGNAL, "pyinstrument", CPROFILE)
"""Samplers that can be turned on and off within a process. py-spy looks on from outside."""
_TURN_S: Final = 0.2


class Accuracy(NamedTuple):
    """One long run: the greatest error of a share, and CPU time of all ÷ that of the work.

    The latter is of samplers that look on from outside, which have CPU time of their own.
    """

    error: float
    cpu_ratio: float


def run_long(workload: str, sampler: str, seconds: float, folder: Path) -> Accuracy:
    """Sample a fresh process for some time.

    Raises:
        RbtraceError: the process failed.
    """
    output = folder / PY_SPY
    if sampler == PY_SPY:
        done, whole_s = _from_outside(workload, seconds, output)
    else:
        with closing(SteppedProcess(_command(workload), _environment())) as process:
            done = _step(process, WorkRequest(sampler, seconds, str(folder)), WorkResult)
            whole_s = process.finish()
    shares = sampled_shares(sampler, folder, output)
    error = max(abs(share - true) for share, true in zip(shares, done.shares, strict=True))
    return Accuracy(error, whole_s * 1e9 / done.cpu_ns)


def _from_outside(workload: str, seconds: float, output: Path) -> tuple[WorkResult, float]:
    """What a process did that py-spy looked at, and the CPU time of both, s."""
    command = [
        _py_spy() or PY_SPY, "record", "--rate", "100", "--format", "raw",
        "-o", str(output), "--", *_command(workload),
    ]  # fmt: skip
    before = _children_cpu_s()
    ended = subprocess.run(
        command,
        env=_environment(),
        input=_encoded(WorkRequest(NONE, seconds, str(output.parent))),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RbtraceError(f"{PY_SPY} failed: {ended.stderr.strip()[-300:]}")
    answer = next(line for line in ended.stdout.splitlines() if line.startswith("{"))
    return msgspec.json.decode(answer, type=WorkResult), _children_cpu_s() - before


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(workload: str, sampler: str, pairs: int, turns: int) -> Comparison:
    """CPU time of the same work with a sampler on ÷ with it off, over fresh processes.

    Raises:
        CommandError: a process failed.
    """
    medians = [_round_times(workload, sampler, turns) for _ in range(pairs)]
    off, on = [turned.off_ns for turned in medians], [turned.on_ns for turned in medians]
    return compare_runs(off, on, paired=True)


def _round_times(workload: str, sampler: str, turns: int) -> RoundTimes:
    with (
        tempfile.TemporaryDirectory(prefix="rbtrace-sampling-") as folder,
        closing(SteppedProcess(_command(workload), _environment())) as process,
    ):
        warm_up = WorkRequest(sampler, _TURN_S, folder, turns=1)
        _step(process, warm_up, RoundTimes)
        turned = _step(process, msgspec.structs.replace(warm_up, turns=turns), RoundTimes)
        process.finish()
    return turned


def sampled_shares(sampler: str, folder: Path, output: Path) -> list[float]:
    """Shares of the three parts, as a sampler has it."""
    names = [part.__name__ for part in PARTS]
    sums = dict.fromkeys(names, 0.0)
    for path, weight in _stacks(sampler, folder, output):
        for name in set(names).intersection(path):
            sums[name] += weight
    whole = sum(sums.values()) or 1.0
    return [sums[name] / whole for name in names]


def _stacks(sampler: str, folder: Path, output: Path) -> Iterator[tuple[list[str], float]]:
    """Names of functions, outermost first, and what such a stack weighs."""
    if sampler == PY_SPY:
        for line in output.read_text(encoding="utf-8").splitlines():
            stack, _, count = line.rpartition(" ")
            yield [frame.partition(" ")[0] for frame in stack.split(";")], float(count)
    elif sampler == CPROFILE:
        stats: dict[Any, Any] = pstats.Stats(str(folder / CPROFILE)).stats  # type: ignore[attr-defined]
        for (_, _, name), figures in stats.items():
            yield [name], figures[3]
    else:
        profile = read_profiles(profile_files([folder]), Faults())
        for number, weight, _ in profile.folded():
            yield [frame.name for frame in profile.path(number)], float(weight)


def _step[T](process: SteppedProcess, request: WorkRequest, answer: type[T]) -> T:
    return msgspec.convert(process.step(_encoded(request)), answer)


def _encoded(request: WorkRequest) -> str:
    return msgspec.json.encode(request).decode()


def _command(workload: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.known_work", workload]


def _environment() -> dict[str, str]:
    return untraced(os.environ) | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _py_spy() -> str | None:
    """Where py-spy is: beside this Python, or on the path."""
    return shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")


class Measurement(NamedTuple):
    """How true one sampler is on one workload, and what it costs, in words."""

    workload: str
    sampler: str
    error: str
    cpu: str


def measure(seconds: float, pairs: int, turns: int) -> Iterator[Measurement]:
    """Measure every sampler on every workload, one after the other."""
    for workload in WORKLOADS:
        for sampler in (*SWITCHED, PY_SPY):
            if sampler == PY_SPY and _py_spy() is None:
                yield Measurement(workload, PY_SPY, "not installed", "")
                continue
            with tempfile.TemporaryDirectory(prefix="rbtrace-sampling-") as folder:
                truth = run_long(workload, sampler, seconds, Path(folder))
            ratio = (
                f"{truth.cpu_ratio:.3f}"
                if sampler == PY_SPY
                else ratio_and_interval(cost(workload, sampler, pairs, turns))
            )
            yield Measurement(workload, sampler, f"{truth.error * 100:.1f} points", ratio)


def report(rows: list[Measurement], seconds: float, pairs: int, turns: int) -> Report:
    """The report of what was measured, with how long and how often it was."""
    columns: list[Column[Measurement]] = [
        Column("workload", lambda row: row.workload, right=False),
        Column("sampler", lambda row: row.sampler, right=False),
        Column("greatest error of a share", lambda row: row.error),
        Column("CPU, on ÷ off", lambda row: row.cpu),
    ]
    return Report(
        title="How true samplers are, and what they cost",
        complete=None,
        integrity=[
            (
                "Three parts of known shares, sampled every 10 ms. Error: the greatest difference "
                "to what exclusive timers in the same process say, in percentage points."
            ),
            (
                "CPU: the geometric mean of processes with its 95 % interval; each does the same "
                f"work for {_TURN_S:g} s with the sampler on and as long with it off, many times, "
                "in random order. py-spy has a process of its own: its CPU time and the program's, "
                "by the program's, once."
            ),
            this_machine(),
        ],
        figures=[
            ("seconds of the run of an error", f"{seconds:g}"),
            ("processes of a ratio", str(pairs)),
            ("turns of each", str(turns)),
        ],
        tables=[Table.of("Errors and costs", columns, rows)],
    )


@click.command()
@click.option("--seconds", type=float, default=60.0, show_default=True, help="Of each long run.")
@click.option("--pairs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--turns", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--report", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def main(seconds: float, pairs: int, turns: int, file: TextIO) -> None:
    """Measure how true samplers are at 10 ms and what they cost; write it as Markdown."""
    rows = []
    with one_line_for_errors():
        for row in measure(seconds, pairs, turns):
            click.echo(", ".join(row), err=True)
            rows.append(row)
    file.write(render_report(report(rows, seconds, pairs, turns)))


if __name__ == "__main__":
    main()
