"""Measure two commands against each other, in fresh processes that take turns."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from secrets import randbits
from typing import Any, Final, Self

import click

from rbtrace.commands._output import choose_output
from rbtrace.comparison.bench.environment import check_same_machine
from rbtrace.comparison.bench.result import ARMS, Plan, read_plan, read_runs, write_plan
from rbtrace.comparison.bench.runner import Turn, make_command, make_plan, run_pairs
from rbtrace.comparison.compare import is_decided
from rbtrace.comparison.decisions import parse_interim_analyses
from rbtrace.reporting.comparison import compare
from rbtrace.reporting.formats import render
from rbtrace.reporting.model import Options

_EXAMPLES: Final = """\b
Examples:
  rbtrace bench --baseline 'python old.py' --candidate 'python new.py' -o out
  rbtrace bench --baseline 'python main.py' --candidate 'python main.py' \\
      --baseline-folder ../main --pairs 30 -o out
  rbtrace bench --resume -o out
  rbtrace compare out
"""
_PAIRS: Final = 10
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("bench", epilog=_EXAMPLES)
@click.option("--baseline", metavar="CMD", help="What to compare with; run without a shell.")
@click.option("--candidate", metavar="CMD", help="What to judge; run without a shell.")
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the result goes.",
)
@click.option("--pairs", type=click.IntRange(min=1), help="How many, fixed.  [default: 10]")
@click.option(
    "--until",
    metavar="N,N,N",
    help="Look at the whole after so many pairs, and end at a clear difference (stricter bounds).",
)
@click.option(
    "--warmup",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Pairs that run first and do not count.",
)
@click.option("--traced/--untraced", default=True, show_default=True, help="Both arms alike.")
@click.option("--seed", type=int, help="Of the order within the pairs; by default a new one.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    help="After how long a command counts as hanging.",
)
@click.option("--baseline-folder", type=_FOLDER, default=".", help="Where the baseline runs.")
@click.option("--candidate-folder", type=_FOLDER, default=".", help="Where the candidate runs.")
@click.option("--resume", is_flag=True, help="Go on with what DIR has, as it was planned.")
def command(
    folder: Path,
    baseline: str | None,
    candidate: str | None,
    baseline_folder: Path,
    candidate_folder: Path,
    pairs: int | None,
    until: str | None,
    *,
    resume: bool,
    **plan_options: Any,
) -> None:
    """Run BASELINE and CANDIDATE in turns, in random order within each pair.

    Every run is a fresh process. Ctrl-C keeps the pairs that are finished; --resume goes on. The
    comparison that is printed at the end is that of rbtrace compare DIR, which has gates, too.
    """
    if resume:
        plan = read_plan(folder)
        check_same_machine(plan.environment)
    elif baseline is None or candidate is None:
        raise click.UsageError("--baseline and --candidate are needed (or --resume)")
    else:
        if pairs is not None and until is not None:
            raise click.UsageError("--pairs fixes the number, --until does not: give one of them")
        interim_analyses = parse_interim_analyses(until) if until else []
        if plan_options["seed"] is None:
            plan_options["seed"] = randbits(31)
        plan = make_plan(
            make_command(baseline, baseline_folder),
            make_command(candidate, candidate_folder),
            looks=interim_analyses,
            pairs=interim_analyses[-1] if interim_analyses else pairs or _PAIRS,
            **plan_options,
        )
        write_plan(folder, plan)
    try:
        _run(folder, plan)
    except KeyboardInterrupt:
        kept = len(read_runs(folder)) // len(ARMS)
        click.echo(
            f"\n{kept} of {plan.pairs} pairs are kept; rbtrace bench --resume -o {folder} goes on",
            err=True,
        )
        raise
    destination = choose_output(None, None)
    options = Options(colour=destination.to_terminal, width=destination.width)
    destination.write(render(compare(folder), destination.format_name, options))


def _run(folder: Path, plan: Plan) -> None:
    kept = len(read_runs(folder)) // len(ARMS)
    if is_decided(folder, plan, kept):
        return
    with _Progress(plan, kept) as progress:
        for number in run_pairs(folder, plan, progress.start):
            progress.pair_done()
            if is_decided(folder, plan, number):
                return


class _Progress:
    """A bar with the time left on a terminal, a line for each pair elsewhere."""

    def __init__(self, plan: Plan, kept: int) -> None:
        self._plan = plan
        self._bar = click.progressbar(
            length=plan.pairs - kept,
            label="measuring",
            file=sys.stderr,
            show_pos=True,
            item_show_func=lambda turn: turn and f"pair {turn.pair}: {turn.arm}",
        )
        self._on_terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._kept = kept
        self._done = 0

    def __enter__(self) -> Self:
        if self._on_terminal:
            self._bar.render_progress()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_terminal:
            self._bar.render_finish()

    def start(self, turn: Turn) -> None:
        """A run starts."""
        if turn.pair == self._kept + 1 and turn.order == 1:
            self._started = time.monotonic()  # the warm-up is over
        if self._on_terminal:
            self._bar.update(0, turn)

    def pair_done(self) -> None:
        """A pair is kept."""
        self._done += 1
        if self._on_terminal:
            self._bar.update(1)
            return
        done, all_pairs = self._kept + self._done, self._plan.pairs
        left = (time.monotonic() - self._started) / self._done * (all_pairs - done)
        click.echo(f"pair {done} of {all_pairs}, about {left:.0f} s left", err=True)
