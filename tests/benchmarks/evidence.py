"""Benchmarks of the benchmark: differences that are known, measured on the real engine.

`python -m tests.benchmarks.evidence -o DIR [NAME…]` measures, through `rbtrace bench`, what is not
yet in DIR, and says whether the comparisons say what they have to. Ctrl-C keeps what was measured.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final, TextIO

import click

from rbtrace.comparison.bench.result import ARMS, is_result
from rbtrace.errors import EXIT_GATE_FAILED, RbtraceError
from tests.benchmarks.evidence_report import judge, report
from tests.benchmarks.experiments import EXPERIMENTS

_WORKLOAD: Final = (sys.executable, "-m", "tests.benchmarks.planted")
_BENCH: Final = (sys.executable, "-m", "rbtrace", "bench")
_DATA: Final = "rustybt-data"
_INTERRUPTED: Final = 130


def measure(folder: Path, name: str, seed: int) -> None:
    """Measure one experiment, or what is missing of it.

    Raises:
        RbtraceError: the benchmark failed; it has said why.
    """
    experiment = EXPERIMENTS[name]
    workload = [*_WORKLOAD, "--data", str((folder / _DATA).absolute())]
    if is_result(folder / name):
        options = ["--resume"]
    else:
        options = ["--pairs", str(experiment.pairs), "--warmup", "0", "--seed", str(seed)]
        for arm in ARMS:
            command = shlex.join([*workload, *shlex.split(getattr(experiment, arm))])
            options += [f"--{arm}", command]
    click.echo(f"{name}:", err=True)
    _checked([*_BENCH, *options, "-o", str(folder / name)])


def prepare(folder: Path) -> None:
    """Write the prices, and run the workload once, so that the first run is like the others."""
    if (folder / _DATA).exists():
        return
    workload = [*_WORKLOAD, "--data", str(folder / _DATA)]
    _checked([*workload, "--ingest"])
    _checked(workload)


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    if done.returncode:
        raise RbtraceError(f"{shlex.join(command)} left with {done.returncode}")


@click.command()
@click.option(
    "-o", "--output", "folder", type=click.Path(file_okay=False, path_type=Path), required=True
)
@click.option("--report-only", is_flag=True, help="Measure nothing; report on what there is.")
@click.option("--report", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@click.argument("names", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
def main(folder: Path, names: tuple[str, ...], file: TextIO, *, report_only: bool) -> None:
    """Measure the experiments NAMES, by default all, and report what the comparisons found."""
    chosen = [name for name in EXPERIMENTS if name in (names or EXPERIMENTS)]
    try:
        if not report_only:
            prepare(folder)
            for seed, name in enumerate(EXPERIMENTS):
                if name in chosen:
                    measure(folder, name, seed)
        judged = judge(folder, chosen)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)
    file.write("\n".join(report(judged)) + "\n")
    if not judged.holds:
        sys.exit(EXIT_GATE_FAILED)


if __name__ == "__main__":
    main()
