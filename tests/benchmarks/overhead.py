"""Overhead of tracing: one real backtest with tracing off, in summary and in every call.

Each round has fresh processes. Whole processes of every arm, each with one backtest, take turns.
Warm backtests of all arms share one process, in which tracing is turned on and off, because two
processes of one program differ by more than tracing costs: by where their memory lies. In a turn
off and summary are neighbours, in random order, so that what drifts on the machine falls on both
alike; calls, which takes several times as long, joins every fourth turn. One backtest may differ
from its neighbour by a tenth of itself where the machine is shared, whatever is traced. So a
round's ratio is the median of the ratios of its turns, and the rounds give the interval.
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
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import click

from rbtrace.comparison.bench.environment import untraced
from rbtrace.errors import RbtraceError
from rbtrace.reporting.markdown import render_report
from rbtrace.reporting.model import Column, Report, Table
from rbtrace.statistics import compare_runs
from tests.benchmarks.benchmarks import one_line_for_errors, ratio_and_interval, this_machine
from tests.benchmarks.daily_backtest import OFF
from tests.support.stepped_process import SteppedProcess

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_CHILD: Final = (sys.executable, "-m", "tests.benchmarks.daily_backtest")

ARMS: Final[dict[str, dict[str, str]]] = {
    OFF: {},
    "summary": {"RBTRACE_ENABLED": "1", "RBTRACE_DETAIL": "summary"},
    "calls": {"RBTRACE_ENABLED": "1", "RBTRACE_DETAIL": "calls"},
}
"""Arm → what it adds to an environment without tracing. The first is the baseline."""

_RARE: Final = "calls"
_RARE_EVERY: Final = 4

MEASURES: Final = {
    "process_cpu": "whole process, CPU",
    "backtest_cpu": "warm backtest, CPU",
    "backtest_wall": "warm backtest, wall",
}
"""Field of `Round` → how the table calls it."""


class Figure(NamedTuple):
    """What one arm took in one round.

    Attributes:
        seconds: the median of its turns, s.
        ratio: the median of the ratios to the baseline of the same turn.
    """

    seconds: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Round:
    """One arm in one round.

    Attributes:
        process_cpu: CPU time of a whole process with one backtest, start-up and imports included.
        backtest_cpu: CPU time of a warm backtest, until its spans are in the file.
        backtest_wall: duration of the same.
        portfolio_value: what the strategy ended with; tracing must not change it.
    """

    process_cpu: Figure
    backtest_cpu: Figure
    backtest_wall: Figure
    portfolio_value: float


def measure(folder: Path, pairs: int, turns: int, seed: int) -> dict[str, list[Round]]:
    """Run `pairs` rounds of all arms; traces and data go under `folder`.

    Raises:
        RbtraceError: a process failed, or an arm changed the result of the backtest.
    """
    command = [*_CHILD, "--data", str(folder / "rustybt-data")]
    with _process([*command, "--ingest"], OFF, folder) as ingestion:
        ingestion.finish()
    rounds: dict[str, list[Round]] = {arm: [] for arm in ARMS}
    order = random.Random(seed)
    for number in range(1, pairs + 1):
        whole = _whole_processes(command, folder, order)
        warm = _warm_backtests(command, folder, turns, order)
        for arm in ARMS:
            measured = _round(arm, whole, warm)
            rounds[arm].append(measured)
            seconds, ratio = measured.backtest_cpu
            click.echo(f"round {number}/{pairs}: {arm} {seconds:.3f} s CPU, {ratio:.3f}", err=True)
    if len({measured.portfolio_value for arm in rounds.values() for measured in arm}) > 1:
        raise RbtraceError("the backtest ended with another portfolio value when it was traced")
    return rounds


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
) -> list[dict[str, dict[str, Any]]]:
    """For each turn, what one fresh process answers to a warm backtest of each arm in it."""
    often = [arm for arm in ARMS if arm != _RARE]
    answers = []
    with _process(command, OFF, folder) as process:
        for arm in ARMS:
            process.step(arm)  # not warm yet
        for turn in range(turns):
            arms = order.sample(often, len(often)) + [_RARE] * (turn % _RARE_EVERY == 0)
            answers.append({arm: process.step(arm) for arm in arms})
        process.finish()
    return answers


def report(rounds: dict[str, list[Round]]) -> Report:
    """The report of what was measured, by arm."""
    return Report(
        title="What tracing costs",
        complete=None,
        integrity=[
            (
                "A daily backtest of ten assets. Off: rbtrace is installed and not turned on. "
                "Summary: hot calls are aggregated, the default. Calls: each is a span."
            ),
            (
                "A ratio is the geometric mean of the rounds with its 95 % interval. Modules were "
                "compiled before. A warm backtest is timed until its spans are in the file; a "
                "round's ratio is the median of those of neighbouring backtests."
            ),
            this_machine(),
        ],
        figures=[("rounds", str(len(rounds[OFF])))],
        tables=[table(rounds)],
    )


def table(rounds: dict[str, list[Round]]) -> Table:
    """The comparison of the arms."""
    baseline, *others = ARMS

    def figures(arm: str, field: str) -> list[Figure]:
        return [getattr(measured, field) for measured in rounds[arm]]

    def seconds(arm: str) -> Column[str]:
        return Column(arm, lambda field: f"{median(s for s, _ in figures(arm, field)):.3f} s")

    def ratio_to_baseline(arm: str) -> Column[str]:
        def cell(field: str) -> str:
            ratios = ([ratio for _, ratio in figures(which, field)] for which in (baseline, arm))
            return ratio_and_interval(compare_runs(*ratios, paired=True))

        return Column(f"{arm} ÷ {baseline}", cell)

    columns: list[Column[str]] = [
        Column("measure", lambda field: MEASURES[field], right=False),
        *map(seconds, ARMS),
        *map(ratio_to_baseline, others),
    ]
    return Table.of("A backtest, off and traced", columns, MEASURES)


def _round(arm: str, whole: dict[str, float], warm: list[dict[str, dict[str, Any]]]) -> Round:
    turns = [turn for turn in warm if arm in turn]
    return Round(
        process_cpu=Figure(whole[arm], whole[arm] / whole[OFF]),
        backtest_cpu=_figure("cpu_ns", arm, turns),
        backtest_wall=_figure("wall_ns", arm, turns),
        portfolio_value=turns[-1][arm]["portfolio_value"],
    )


def _figure(clock: str, arm: str, turns: list[dict[str, dict[str, Any]]]) -> Figure:
    return Figure(
        median(turn[arm][clock] for turn in turns) / 1e9,
        median(turn[arm][clock] / turn[OFF][clock] for turn in turns),
    )


def _process(command: list[str], arm: str, folder: Path) -> AbstractContextManager[SteppedProcess]:
    environment = untraced(os.environ) | {"RBTRACE_DIR": str(folder / "traces")} | ARMS[arm]
    # An installed package is compiled once; one that is edited in place would be at every start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return closing(SteppedProcess(command, environment))


@click.command()
@click.option("--pairs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--turns", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the order of the arms.")
@click.option("--report", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def main(pairs: int, turns: int, seed: int, file: TextIO) -> None:
    """Measure what tracing costs on a real backtest; write it as Markdown.

    PAIRS rounds, each with fresh processes and TURNS warm backtests, off and traced in turns. A
    figure is the median over rounds; a ratio is their geometric mean with its 95 % interval.
    """
    with (
        one_line_for_errors(),
        tempfile.TemporaryDirectory(prefix="rbtrace-overhead-") as folder,
    ):
        rounds = measure(Path(folder), pairs, turns, seed)
    file.write(render_report(report(rounds)))


if __name__ == "__main__":
    main()
