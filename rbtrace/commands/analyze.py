"""Report where the time went, from recorded traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from rbtrace.analysis.loading import Progress
from rbtrace.analysis.results import analyze_paths
from rbtrace.commands._output import choose_output, output_options
from rbtrace.reporting.formats import render
from rbtrace.reporting.model import By, Options

_WORTH_A_BAR: Final = 50_000_000
"""Bytes; less is read before anybody wonders."""

_EXAMPLES: Final = """\b
Examples:
  rbtrace analyze rbtrace-out
  rbtrace analyze rbtrace-out --by path --threshold 1
  rbtrace analyze rbtrace-out --filter 'rustybt.trial.number < 10 and duration > 1ms'
  rbtrace analyze run.otlp.jsonl.gz -o report.html
  rbtrace analyze 'traces/*.jsonl' --format json | jq .operations[0]
  rbtrace analyze 'jaeger://localhost:16686?service=rbtrace&lookback=2h'
  rbtrace analyze 'jaeger://localhost:16686?service=rbtrace&run=RUN_ID'
"""


@click.command("analyze", epilog=_EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@output_options
@click.option(
    "--threshold",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=0.5,
    show_default=True,
    help="List what has at least this share; the rest is one line. JSON lists everything.",
)
@click.option(
    "--by",
    type=click.Choice([one.value for one in By]),
    default=By.OPERATION.value,
    show_default=True,
    help="What the main table breaks time down by.",
)
@click.option(
    "--filter",
    "only",
    metavar="EXPRESSION",
    help="Break down only the spans for which this holds; fields are in docs/analysis.md.",
)
@click.option("--full", is_flag=True, help="List every row; JSON gets timeline and histograms too.")
def command(
    paths: tuple[str, ...],
    format_name: str | None,
    output: Path | None,
    threshold: float,
    by: str,
    only: str | None,
    full: bool,  # noqa: FBT001 - an option's value
) -> None:
    """Report where the time went.

    PATH is a file of OTLP (JSON or protobuf), Jaeger JSON or Parquet, compressed or not, a folder
    of them, a glob, or - for standard input. The report opens with whether the trace is complete.
    """
    chosen = choose_output(format_name, output)
    with _progress() as progress:
        results = analyze_paths(paths, progress, full=full, only=only)
    options = Options(By(by), threshold, full, colour=chosen.to_terminal, width=chosen.width)
    chosen.write(render(results, chosen.format_name, options))


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on standard error, when there is somebody to see it and much to read."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = click.progressbar(length=0, label="reading", file=sys.stderr)
    drawn = False

    def advance(done: int, everything: int) -> None:
        nonlocal drawn
        if everything < _WORTH_A_BAR:
            return
        if not drawn:
            bar.length, drawn = everything, True
        bar.update(min(done, everything) - bar.pos)

    yield advance
    if drawn:
        bar.render_finish()
