"""How true samplers are, and what they cost: known workloads, side by side.

Each workload does its parts in turn and times every one of them by itself, so its true shares are
known. It runs in fresh processes: alone, and under each sampler. The cost is the ratio of CPU time
for the same work, in interleaved pairs; the error is the greatest difference of a share, in
percentage points, to what the same process timed.
"""

from __future__ import annotations

import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from rbtrace.bench.environment import untraced
from rbtrace.errors import RbtraceError
from rbtrace.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.statistics import compare_runs

_PROGRAM: Final = [sys.executable, "-m", "rbtrace.scenarios.sampling"]
_PARTS: Final = ("part_one", "part_two", "part_three")


def _loop(count: int) -> int:
    total = 0
    for number in range(count):
        total += number * number % 7
    return total


def _small(number: int) -> int:
    return number + 1


def _calls(count: int) -> int:
    number = 0
    for _ in range(count):
        number = _small(number)
    return number


def _matrix(size: int) -> float:
    return float(np.dot(np.ones((size, size)), np.ones((size, size)))[0, 0])


WORKLOADS: Final[dict[str, tuple[Callable[[int], Any], tuple[int, int, int]]]] = {
    "pure Python": (_loop, (6000, 40000, 10000)),
    "many small calls": (_calls, (5000, 30000, 12000)),
    "numpy": (_matrix, (200, 700, 300)),
}
"""Name → what a part does, and how much of it each of the three parts does in a round."""

SAMPLERS: Final = ("signal", "pyinstrument", "py-spy", "cProfile")


def part_one(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_two(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_three(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def workload(name: str, rounds: int) -> dict[str, Any]:
    """Do the parts in turn; give their shares, by exclusive timers, and the CPU time of it all."""
    work, amounts = WORKLOADS[name]
    spent = [0, 0, 0]
    cpu = time.process_time_ns()
    for _ in range(rounds):
        for which, part in enumerate((part_one, part_two, part_three)):
            started = time.perf_counter_ns()
            part(work, amounts[which])
            spent[which] += time.perf_counter_ns() - started
    cpu = time.process_time_ns() - cpu
    return {"shares": [one / sum(spent) for one in spent], "cpu_ns": cpu, "wall_ns": sum(spent)}


def _traced(name: str, rounds: int) -> dict[str, Any]:
    import rbtrace  # noqa: PLC0415 - only where it is to record

    with rbtrace.span("workload"):
        return workload(name, rounds)


def run(name: str, rounds: int, sampler: str, folder: Path) -> dict[str, Any]:
    """Run a workload in a fresh process under a sampler; add the shares that this found.

    Raises:
        RbtraceError: the process failed.
    """
    command = [*_PROGRAM, "--workload", name, "--rounds", str(rounds)]
    environment = untraced(os.environ) | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    output = folder / "found"
    if sampler in {"signal", "pyinstrument"}:
        environment |= {
            "RBTRACE_ENABLED": "1", "RBTRACE_SAMPLER": sampler, "RBTRACE_DIR": str(folder),
        }  # fmt: skip
    elif sampler == "py-spy":
        command = [
            _py_spy() or "py-spy", "record", "--rate", "100", "--format", "raw",
            "-o", str(output), "--", *command,
        ]  # fmt: skip
    elif sampler == "cProfile":
        command += ["--cprofile", str(output)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RbtraceError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    answer = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    found: dict[str, Any] = json.loads(answer)
    found["found"] = _shares_found(sampler, folder, output)
    return found


def _shares_found(sampler: str, folder: Path, output: Path) -> list[float] | None:
    sums = dict.fromkeys(_PARTS, 0.0)
    if sampler in {"signal", "pyinstrument"}:
        profile = read_profiles(profile_files([folder]), Faults())
        stacks = [
            ([frame.name for frame in profile.path(stack)], float(weight))
            for stack, weight, _ in profile.folded()
        ]
    elif sampler == "py-spy":
        lines = [line.rpartition(" ") for line in output.read_text().splitlines()]
        stacks = [
            ([frame.partition(" ")[0] for frame in stack.split(";")], float(count))
            for stack, _, count in lines
        ]
    elif sampler == "cProfile":
        stats: dict[Any, Any] = pstats.Stats(str(output)).stats  # type: ignore[attr-defined]
        stacks = [([name], figures[3]) for (_, _, name), figures in stats.items()]
    else:
        return None
    for names, weight in stacks:
        for part in set(_PARTS).intersection(names):
            sums[part] += weight
    whole = sum(sums.values()) or 1.0
    return [sums[part] / whole for part in _PARTS]


def _py_spy() -> str | None:
    """Where py-spy is: beside this Python, or on the path."""
    return shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")


def measure(seconds: float, pairs: int) -> list[str]:
    """Measure every sampler on every workload; give the lines of a Markdown table."""
    lines = [
        "| workload | sampler | greatest error of a share | CPU, ratio to none |",
        "|---|---|---:|---:|",
    ]
    for name in WORKLOADS:
        rounds = max(1, round(seconds * 1e9 * 20 / workload(name, 20)["wall_ns"]))
        for sampler in SAMPLERS:
            if sampler == "py-spy" and _py_spy() is None:
                lines.append(f"| {name} | py-spy | not installed | |")
                continue
            lines.append(_row(name, sampler, rounds, pairs))
            click.echo(lines[-1], err=True)
    return lines


def _row(name: str, sampler: str, rounds: int, pairs: int) -> str:
    cpu: dict[str, list[float]] = {"none": [], sampler: []}
    errors = []
    for number in range(pairs):
        order = ("none", sampler) if number % 2 else (sampler, "none")
        for arm in order:
            with tempfile.TemporaryDirectory(prefix="rbtrace-sampling-") as folder:
                found = run(name, rounds, arm, Path(folder))
            cpu[arm].append(found["cpu_ns"] / 1e9)
            if found["found"]:
                truth = zip(found["found"], found["shares"], strict=True)
                errors.append(max(abs(one - other) for one, other in truth))
    ratio = compare_runs(cpu["none"], cpu[sampler], paired=True)
    interval = f" [{ratio.ci[0]:.3f}, {ratio.ci[1]:.3f}]" if ratio.ci else " (no interval)"
    return f"| {name} | {sampler} | {max(errors) * 100:.1f} points | {ratio.ratio:.3f}{interval} |"


@click.command()
@click.option("--seconds", type=float, default=60.0, show_default=True, help="Of each run.")
@click.option("--pairs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--workload", "name", type=click.Choice(list(WORKLOADS)), help="Only run this one.")
@click.option("--rounds", type=int, help="How often, with --workload.")
@click.option("--cprofile", type=click.Path(path_type=Path), help="Under cProfile, into this file.")
def main(
    seconds: float, pairs: int, name: str | None, rounds: int | None, cprofile: Path | None
) -> None:
    """Measure how true samplers are at 10 ms and what they cost; print a Markdown table."""
    if name is None:
        try:
            click.echo("\n".join(measure(seconds, pairs)))
        except RbtraceError as problem:
            click.echo(f"rbtrace: error: {problem}", err=True)
            sys.exit(problem.exit_code)
        return
    if cprofile is not None:
        import cProfile  # noqa: PLC0415 - only where it is to record

        profile = cProfile.Profile()
        found = profile.runcall(workload, name, rounds or 1)
        profile.dump_stats(cprofile)
    else:
        found = _traced(name, rounds or 1)
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
