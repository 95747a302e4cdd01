"""What tracing costs: one real backtest in fresh processes, off against summary against calls.

The arms of a round run one after the other in random order, so that what drifts on the machine
(clock speed, other work, caches) falls on all of them alike and cancels in the paired ratios.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rbtrace.errors import RbtraceError
from rbtrace.scenarios.measurement import paired_ratio, run_measured

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
    "process_wall": "whole process, wall",
    "backtest_cpu": "warm backtest, CPU",
    "backtest_wall": "warm backtest, wall",
}
"""Field of `Run` → how the table calls it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process of one arm; times in seconds.

    Attributes:
        process_cpu: CPU time of the whole process, start-up and imports included.
        process_wall: its duration.
        backtest_cpu: CPU time of its second backtest alone.
        backtest_wall: duration of its second backtest alone.
        portfolio_value: what the strategy ended with; tracing must not change it.
    """

    process_cpu: float
    process_wall: float
    backtest_cpu: float
    backtest_wall: float
    portfolio_value: float


def measure(folder: Path, pairs: int, seed: int) -> dict[str, list[Run]]:
    """Run every arm `pairs` times, in rounds; traces and data go under `folder`.

    Raises:
        RbtraceError: a process failed, or an arm changed the result of the backtest.
    """
    data = folder / "rustybt-data"
    run_measured([*_CHILD, "--data", str(data), "--ingest"], _environment("off", folder))
    runs: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    for number in range(1, pairs + 1):
        for arm in order.sample(list(ARMS), len(ARMS)):
            run = _run(arm, folder, data)
            runs[arm].append(run)
            click.echo(f"round {number}/{pairs}: {arm} {run.backtest_cpu:.3f} s CPU", err=True)
    if len({run.portfolio_value for arm in runs.values() for run in arm}) > 1:
        raise RbtraceError("the backtest ended with another portfolio value when it was traced")
    return runs


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


def _run(arm: str, folder: Path, data: Path) -> Run:
    cost = run_measured([*_CHILD, "--data", str(data)], _environment(arm, folder))
    inside: dict[str, Any] = json.loads(cost.output)
    return Run(
        process_cpu=cost.cpu,
        process_wall=cost.wall,
        backtest_cpu=inside["cpu_ns"] / 1e9,
        backtest_wall=inside["wall_ns"] / 1e9,
        portfolio_value=inside["portfolio_value"],
    )


def _environment(arm: str, folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RBTRACE_", "OTEL_"))}
    return kept | {"RBTRACE_DIR": str(folder / "traces")} | ARMS[arm]


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


def _ratio_in_words(baseline: list[float], candidate: list[float]) -> str:
    found = paired_ratio(baseline, candidate)
    if found.low is None or found.high is None:
        return f"{found.ratio:.3f} (one pair)"
    return f"{found.ratio:.3f} [{found.low:.3f}, {found.high:.3f}]"


@click.command()
@click.option("--pairs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the order of the arms.")
def main(pairs: int, seed: int) -> None:
    """Measure what tracing costs on a real backtest; print a Markdown table.

    Each figure is a median; a ratio is the geometric mean over the rounds with its 95 % interval.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="rbtrace-overhead-") as folder:
            runs = measure(Path(folder), pairs, seed)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)
    click.echo("\n".join(table(runs)))


if __name__ == "__main__":
    main()
