"""What tracing costs: one real backtest in fresh processes, off against summary against calls.

Each round has a fresh process of every arm. They take turns, one backtest each, in random order, so
that what drifts on the machine (clock speed, other work, caches) falls on all of them alike. The
fastest of a process counts, because what else the machine does can only slow a backtest down; the
ratios of a round are paired.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rbtrace.bench.environment import untraced
from rbtrace.bench.stepped import SteppedProcess
from rbtrace.errors import RbtraceError
from rbtrace.statistics import compare_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHILD: Final = (sys.executable, "-m", "rbtrace.scenarios.daily_backtest")
_INTERRUPTED: Final = 130

ARMS: Final[dict[str, dict[str, str]]] = {
    "off": {},
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
    """One process of one arm; times in seconds.

    Attributes:
        process_cpu: CPU time of the whole process, start-up and imports included.
        backtest_cpu: least CPU time of a warm backtest in it.
        backtest_wall: least duration of a warm backtest in it.
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
    data = folder / "rustybt-data"
    ingestion = SteppedProcess(
        [*_CHILD, "--data", str(data), "--ingest"], _environment("off", folder)
    )
    ingestion.finish()
    ingestion.close()
    runs: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    for number in range(1, pairs + 1):
        for arm, run in _round(folder, data, turns, order).items():
            runs[arm].append(run)
            click.echo(f"round {number}/{pairs}: {arm} {run.backtest_cpu:.3f} s CPU", err=True)
    if len({run.portfolio_value for arm in runs.values() for run in arm}) > 1:
        raise RbtraceError("the backtest ended with another portfolio value when it was traced")
    return runs


def _round(folder: Path, data: Path, turns: int, order: random.Random) -> dict[str, Run]:
    command = [*_CHILD, "--data", str(data)]
    processes = {arm: SteppedProcess(command, _environment(arm, folder)) for arm in ARMS}
    try:
        for process in processes.values():
            process.step()  # not warm yet
        answers: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
        for _ in range(turns):
            for arm in order.sample(list(ARMS), len(ARMS)):
                answers[arm].append(processes[arm].step())
        return {arm: _run(processes[arm].finish(), answers[arm]) for arm in ARMS}
    finally:
        for process in processes.values():
            process.close()


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
        cells = [f"{_median(values[arm]):.3f} s" for arm in ARMS]
        cells += [_ratio_in_words(values[baseline], values[arm]) for arm in others]
        yield f"| {title} | " + " | ".join(cells) + " |"


def _run(process_cpu: float, answers: list[dict[str, Any]]) -> Run:
    return Run(
        process_cpu=process_cpu,
        backtest_cpu=min(answer["cpu_ns"] for answer in answers) / 1e9,
        backtest_wall=min(answer["wall_ns"] for answer in answers) / 1e9,
        portfolio_value=answers[-1]["portfolio_value"],
    )


def _environment(arm: str, folder: Path) -> dict[str, str]:
    return untraced(os.environ) | {"RBTRACE_DIR": str(folder / "traces")} | ARMS[arm]


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


def _ratio_in_words(baseline: list[float], candidate: list[float]) -> str:
    found = compare_runs(baseline, candidate, paired=True)
    if found.ci is None:
        return f"{found.ratio:.3f} (no interval)"
    return f"{found.ratio:.3f} [{found.ci[0]:.3f}, {found.ci[1]:.3f}]"


@click.command()
@click.option("--pairs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--turns", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the order of the arms.")
def main(pairs: int, turns: int, seed: int) -> None:
    """Measure what tracing costs on a real backtest; print a Markdown table.

    PAIRS rounds, each with a fresh process of every arm and TURNS warm backtests in each. A figure
    is the median over rounds; a ratio is their geometric mean with its 95 % interval.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="rbtrace-overhead-") as folder:
            runs = measure(Path(folder), pairs, turns, seed)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)
    click.echo("\n".join(table(runs)))


if __name__ == "__main__":
    main()
