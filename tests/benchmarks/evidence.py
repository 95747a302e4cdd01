"""Tests of `rbtrace bench` and `compare` by known differences, on the real engine.

`python -m tests.benchmarks.evidence -o DIR [NAME…]` measures, through `rbtrace bench`, what is not
yet in DIR, and says whether the comparisons say what they have to. Ctrl-C keeps what was measured.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import click

from rbtrace.comparison.bench.environment import summarize
from rbtrace.comparison.bench.result import ARMS, is_result, read_runs
from rbtrace.comparison.compare import compare_paths
from rbtrace.comparison.decisions import make_policy
from rbtrace.comparison.results import ComparisonResults
from rbtrace.errors import EXIT_GATE_FAILED, InputError, RbtraceError
from rbtrace.reporting.comparison import compose_comparison, format_change
from rbtrace.reporting.markdown import render_report
from rbtrace.reporting.model import Column, Report, Table
from tests.benchmarks.benchmarks import one_line_for_errors
from tests.benchmarks.experiments import (
    ALLOWED_ALARMS,
    EXPERIMENTS,
    IDENTICAL,
    is_alarm,
    same_work,
)

_WORKLOAD: Final = (sys.executable, "-m", "tests.benchmarks.planted")
_BENCH: Final = (sys.executable, "-m", "rbtrace", "bench")
_DATA: Final = "rustybt-data"
_INTERRUPTED: Final = 130
_IN_FULL: Final = ("one-more-price", "another-result", "slow-down-15", "speed-up-12", "speed-up-2")


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """The comparison of every experiment that is finished, by name, and the names of the others."""

    comparisons: dict[str, ComparisonResults]
    missing: list[str]

    @property
    def identical(self) -> list[ComparisonResults]:
        """The comparisons of identical arms."""
        return [
            comparison
            for name, comparison in self.comparisons.items()
            if name.startswith("identical")
        ]

    @property
    def alarms(self) -> int:
        """How many comparisons of identical arms accepted or failed."""
        return sum(map(is_alarm, self.identical))

    @property
    def holds(self) -> bool:
        """Whether all that was planted was found, and nothing else."""
        each = all(
            EXPERIMENTS[name].holds(comparison) for name, comparison in self.comparisons.items()
        )
        return each and self.alarms <= ALLOWED_ALARMS


def judge(folder: Path, names: Sequence[str]) -> Judgement:
    """Compare the arms of the experiments that are finished.

    Raises:
        InputError: none is, or what was measured is damaged.
    """
    finished = [
        name
        for name in names
        if is_result(folder / name)
        and len(read_runs(folder / name)) == len(ARMS) * EXPERIMENTS[name].pairs
    ]
    if not finished:
        raise InputError(f"no experiment in {folder} is finished")
    policy = make_policy()
    return Judgement(
        {name: compare_paths(folder / name, folder / name, policy) for name in finished},
        [name for name in names if name not in finished],
    )


def document(judgement: Judgement) -> str:
    """The report as Markdown; the comparisons of some experiments follow in full."""
    parts = [render_report(report(judgement))]
    for name in _IN_FULL:
        if name in judgement.comparisons:
            comparison = judgement.comparisons[name]
            parts.append(f"---\n\n`rbtrace compare {comparison.baseline.name.split(' ')[0]}`\n")
            parts.append(render_report(compose_comparison(comparison), level=2))
    return "\n".join(parts)


def report(judgement: Judgement) -> Report:
    """The report of all experiments."""
    lines = [_identical(judgement)] if judgement.identical else []
    if judgement.missing:
        lines.append(f"Not measured: {', '.join(judgement.missing)}.")
    machine = next(iter(judgement.comparisons.values())).baseline.environment
    return Report(
        title="Known differences, and what rbtrace compare says of them",
        complete=judgement.holds,
        integrity=[*lines, f"Measured on {summarize(machine)}."],
        figures=[("experiments", str(len(judgement.comparisons)))],
        tables=[_experiments(judgement)],
    )


def _identical(judgement: Judgement) -> str:
    runs = [comparison.design.runs_baseline for comparison in judgement.identical]
    same = sum(
        comparison.design.runs_baseline
        for comparison in judgement.identical
        if same_work(comparison)
    )
    return (
        f"Identical arms: {len(runs)} comparisons, {sum(runs)} pairs of backtests. In {same} of "
        "these pairs every call count and the result are the same. Comparisons that accept or "
        f"fail: {judgement.alarms}; up to {ALLOWED_ALARMS} of {IDENTICAL} may."
    )


def _experiments(judgement: Judgement) -> Table:
    columns: list[Column[tuple[str, ComparisonResults]]] = [
        Column("experiment", lambda row: row[0], right=False),
        Column("planted", lambda row: EXPERIMENTS[row[0]].planted, right=False),
        Column("pairs", lambda row: str(row[1].design.runs_baseline)),
        Column("wall", lambda row: format_change(row[1].overall[0].ratio)),
        Column("interval", lambda row: _interval(row[1])),
        Column("verdict", lambda row: row[1].outcome.decision, right=False),
        Column("gate", lambda row: _gate(row[1]), right=False),
        Column("work", lambda row: _work(row[1]), right=False),
        Column(
            "holds", lambda row: "yes" if EXPERIMENTS[row[0]].holds(row[1]) else "NO", right=False
        ),
    ]
    return Table.of("Experiments", columns, judgement.comparisons.items())


def _interval(comparison: ComparisonResults) -> str:
    ci = comparison.overall[0].ci
    return "–" if ci is None else " … ".join(map(format_change, ci))


def _gate(comparison: ComparisonResults) -> str:
    return "; ".join(comparison.outcome.failed) or str(comparison.outcome.gate)


def _work(comparison: ComparisonResults) -> str:
    work = comparison.work
    return "–" if work is None else f"{len(work.differences)} of {work.paths} paths differ"


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
    with one_line_for_errors():
        if not report_only:
            prepare(folder)
            for seed, name in enumerate(EXPERIMENTS):
                if name in chosen:
                    measure(folder, name, seed)
        judgement = judge(folder, chosen)
    file.write(document(judgement))
    if not judgement.holds:
        sys.exit(EXIT_GATE_FAILED)


if __name__ == "__main__":
    main()
