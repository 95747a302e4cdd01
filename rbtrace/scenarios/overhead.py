"""What tracing costs: one real backtest, off against summary against calls.

Each round has fresh processes. Whole processes of every arm, each with one backtest, take turns.
Warm backtests of all arms share one process, in which tracing is turned on and off, because two
processes of one program differ by more than tracing costs: by where their memory lies. In a turn
each arm has one backtest, in random order, so that what drifts on the machine falls on all alike.
The median over the turns is the process's figure; the ratios of a round are paired.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from rbtrace.bench.environment import describe_machine, in_words, untraced, versions
from rbtrace.bench.stepped import SteppedProcess
from rbtrace.errors import RbtraceError
from rbtrace.scenarios.benchmarks import one_line_for_errors, ratio_in_words
from rbtrace.scenarios.daily_backtest import OFF
from rbtrace.statistics import compare_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_CHILD: Final = (sys.executable, "-m", "rbtrace.scenarios.daily_backtest")

ARMS: Final[dict[str, dict[str, str]]] = {
    OFF: {},
    "summary": {"RBTRACE_ENABLED": "1", "RBTRACE_DETAIL": "summary"},
    "calls": {"RBTRACE_ENABLED": "1", "RBTRACE_DETAIL": "calls"},
}
"""Arm → what it adds to an environment without tracing. The first is the baseline."""

MEASURES: Final = {
    "process_cpu": "whole process, CPU",
    "backtest_cpu": "warm backtest, CPU",
    "backtest_wall": "warm backtest, wall",
}
"""Field of `Run` → how the table calls it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One arm in one round; times in seconds.

    Attributes:
        process_cpu: CPU time of a whole process with one backtest, start-up and imports included.
        backtest_cpu: median CPU time of a warm backtest, until its spans are in the file.
        backtest_wall: median duration of the same.
        portfolio_value: what the strategy ended with; tracing must not change it.
    """

    process_cpu: float
    backtest_cpu: float
    backtest_wall: float
    portfolio_value: float


def measure(folder: Path, pairs: int, turns: int, seed: int) -> dict[str, list[Run]]:
    """Run `pairs` rounds of all arms; traces and data go under `folder`.

    Raises:
        RbtraceError: a process failed, or an arm changed the result of the backtest.
    """
    command = [*_CHILD, "--data", str(folder / "rustybt-data")]
    with _process([*command, "--ingest"], OFF, folder) as ingestion:
        ingestion.finish()
    runs: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    for number in range(1, pairs + 1):
        whole = _whole_processes(command, folder, order)
        for arm, answers in _warm_backtests(command, folder, turns, order).items():
            run = _run(whole[arm], answers)
            runs[arm].append(run)
            click.echo(f"round {number}/{pairs}: {arm} {run.backtest_cpu:.3f} s CPU", err=True)
    if len({run.portfolio_value for arm in runs.values() for run in arm}) > 1:
        raise RbtraceError("the backtest ended with another portfolio value when it was traced")
    return runs


def _whole_processes(command: list[str], folder: Path, order: random.Random) -> dict[str, float]:
    """CPU time of a fresh process of every arm that runs one backtest, s."""
    times = {}
    for arm in order.sample(list(ARMS), len(ARMS)):
        with _process(command, arm, folder) as process:
            process.step()
            times[arm] = process.finish()
    return times


def _warm_backtests(
    command: list[str], folder: Path, turns: int, order: random.Random
) -> dict[str, list[dict[str, Any]]]:
    """What one fresh process answers to `turns` backtests of every arm."""
    answers: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    with _process(command, OFF, folder) as process:
        for arm in ARMS:
            process.step(arm)  # not warm yet
        for _ in range(turns):
            for arm in order.sample(list(ARMS), len(ARMS)):
                answers[arm].append(process.step(arm))
        process.finish()
    return answers


def report(runs: dict[str, list[Run]]) -> Iterator[str]:
    """The lines of the document."""
    yield "# What tracing costs"
    yield ""
    yield (
        "A daily backtest of ten assets. Off: "
        "rbtrace is installed and not turned on. Summary: hot calls are aggregated, the default. "
        f"Calls: each is a span. {len(runs[OFF])} rounds; a ratio is their geometric mean with its "
        "95 % interval. A warm backtest is timed until its spans are in the file."
    )
    yield ""
    yield "Measured on " + in_words(describe_machine() | versions(sys.executable, Path()))
    yield ""
    yield from table(runs)


def table(runs: dict[str, list[Run]]) -> Iterator[str]:
    """The comparison, as the lines of a Markdown table."""
    baseline, *others = ARMS
    yield (
        "| measure | "
        + " | ".join(ARMS)
        + " | "
        + " | ".join(f"{a} ÷ {baseline}" for a in others)
        + " |"
    )
    yield "|---|" + "---:|" * (len(ARMS) + len(others))
    for field, title in MEASURES.items():
        values = {arm: [getattr(run, field) for run in runs[arm]] for arm in ARMS}
        cells = [f"{median(values[arm]):.3f} s" for arm in ARMS]
        cells += [
            ratio_in_words(compare_runs(values[baseline], values[arm], paired=True))
            for arm in others
        ]
        yield f"| {title} | " + " | ".join(cells) + " |"


def _run(process_cpu: float, answers: list[dict[str, Any]]) -> Run:
    return Run(
        process_cpu=process_cpu,
        backtest_cpu=median([answer["cpu_ns"] for answer in answers]) / 1e9,
        backtest_wall=median([answer["wall_ns"] for answer in answers]) / 1e9,
        portfolio_value=answers[-1]["portfolio_value"],
    )


def _process(command: list[str], arm: str, folder: Path) -> AbstractContextManager[SteppedProcess]:
    environment = untraced(os.environ) | {"RBTRACE_DIR": str(folder / "traces")} | ARMS[arm]
    return closing(SteppedProcess(command, environment))


@click.command()
@click.option("--pairs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--turns", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the order of the arms.")
@click.option("--report", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def main(pairs: int, turns: int, seed: int, file: TextIO) -> None:
    """Measure what tracing costs on a real backtest; write it as Markdown.

    PAIRS rounds, each with fresh processes and TURNS warm backtests of every arm. A figure is the
    median over rounds; a ratio is their geometric mean with its 95 % interval.
    """
    with (
        one_line_for_errors(),
        tempfile.TemporaryDirectory(prefix="rbtrace-overhead-") as folder,
    ):
        runs = measure(Path(folder), pairs, turns, seed)
    file.write("\n".join(report(runs)) + "\n")


if __name__ == "__main__":
    main()
