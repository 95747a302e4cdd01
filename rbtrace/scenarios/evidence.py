"""Benchmarks of the benchmark: differences that are known, measured on the real engine.

`python -m rbtrace.scenarios.evidence -o DIR [NAME…]` measures, through `rbtrace bench`, what is not
yet in DIR. Identical arms must differ in nothing; what was planted must be found.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import click

from rbtrace.bench.result import is_result
from rbtrace.errors import RbtraceError

_WORKLOAD: Final = (sys.executable, "-m", "rbtrace.scenarios.planted")
_BENCH: Final = (sys.executable, "-m", "rbtrace", "bench")
IDENTICAL: Final = 20
"""Comparisons of identical arms."""


class Experiment(NamedTuple):
    """Two arms of the planted backtest, as its options, and how often they run."""

    pairs: int
    baseline: str = ""
    candidate: str = ""


def _slower_for(speed_up: float) -> str:
    """What a baseline needs, for a candidate without it to take `speed_up` per cent less."""
    return f"--slower {100 * (1 / (1 - speed_up / 100) - 1):.4f}"


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "one-more-price": Experiment(1, candidate="--strategy one-more-price"),
    "another-result": Experiment(5, "--slower 50", "--strategy less-invested"),
    "slow-down-15": Experiment(30, candidate="--slower 15"),
    "speed-up-12": Experiment(30, _slower_for(12)),
    "speed-up-2": Experiment(30, _slower_for(2)),
    "speed-up-2-again": Experiment(30, _slower_for(2)),
    **{f"identical-{number:02}": Experiment(10) for number in range(1, IDENTICAL + 1)},
}


def measure(folder: Path, name: str, seed: int) -> None:
    """Measure one experiment, or what is missing of it.

    Raises:
        RbtraceError: the benchmark failed; it has said why.
    """
    experiment = EXPERIMENTS[name]
    workload = [*_WORKLOAD, "--data", str((folder / "rustybt-data").absolute())]
    result = folder / name
    if is_result(result):
        options = ["--resume"]
    else:
        options = ["--pairs", str(experiment.pairs), "--warmup", "0", "--seed", str(seed)]
        for arm in ("baseline", "candidate"):
            planted = shlex.split(getattr(experiment, arm))
            options += [f"--{arm}", shlex.join([*workload, *planted])]
    click.echo(f"{name}:", err=True)
    _checked([*_BENCH, *options, "-o", str(result)])


def prepare(folder: Path) -> None:
    """Write the prices, and run the workload once, so that the first run is like the others."""
    workload = [*_WORKLOAD, "--data", str(folder / "rustybt-data")]
    _checked([*workload, "--ingest"])
    _checked(workload)


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, check=False)  # noqa: S603 - our own commands
    if done.returncode:
        raise RbtraceError(f"{shlex.join(command)} left with {done.returncode}")


@click.command()
@click.option(
    "-o", "--output", "folder", type=click.Path(file_okay=False, path_type=Path), required=True
)
@click.argument("names", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
def main(folder: Path, names: tuple[str, ...]) -> None:
    """Measure the experiments NAMES, by default all."""
    try:
        prepare(folder)
        for seed, name in enumerate(EXPERIMENTS):
            if name in (names or EXPERIMENTS):
                measure(folder, name, seed)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
