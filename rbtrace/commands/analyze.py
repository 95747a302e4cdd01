"""Report where the time went, from recorded traces."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from rbtrace.analysis.analyze import parse_limit
from rbtrace.commands._output import choose_output, output_options
from rbtrace.commands._progress import progress_bar
from rbtrace.reporting.analysis import analyze
from rbtrace.reporting.formats import render
from rbtrace.reporting.model import By, Options

_EXAMPLES: Final = """\b
Examples:
  rbtrace analyze rbtrace-out
  rbtrace analyze rbtrace-out --by path --threshold 1
  rbtrace analyze rbtrace-out --filter 'rustybt.trial.number < 10 and duration > 1ms'
  rbtrace analyze 'fleet/**/*.jsonl.gz' --memory-limit 2GB
  rbtrace analyze run.otlp.jsonl.gz -o report.html
  rbtrace analyze 'traces/*.jsonl' --format json | jq .operations[0]
  rbtrace analyze 'jaeger://localhost:16686?service=rbtrace&lookback=2h'
  rbtrace analyze 'jaeger://localhost:16686?service=rbtrace&run=RUN_ID'
  rbtrace analyze 'clickhouse://localhost:8123/otel?run=RUN_ID'
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
    type=click.Choice([by.value for by in By]),
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
@click.option(
    "--memory-limit",
    metavar="SIZE",
    help="Analyze more spans than fit (as 2GB) on disk, with DuckDB.  [default: half of what is "
    "free]",
)
@click.option("--full", is_flag=True, help="List every row; JSON gets timeline and histograms too.")
def command(
    paths: tuple[str, ...],
    format_name: str | None,
    output: Path | None,
    threshold: float,
    by: str,
    only: str | None,
    memory_limit: str | None,
    full: bool,  # noqa: FBT001 - an option's value
) -> None:
    """Report where the time went.

    PATH is a file of OTLP (JSON or protobuf), Jaeger JSON or Parquet, compressed or not, a folder
    of them, a glob, or - for standard input. The report opens with whether the trace is complete.
    Where stacks were sampled, it lists the functions that took the time.
    """
    destination = choose_output(format_name, output)
    limit = None if memory_limit is None else parse_limit(memory_limit)
    with progress_bar() as progress:
        analysis = analyze(paths, only=only, full=full, progress=progress, memory_limit=limit)
    options = Options(
        By(by), threshold, full, colour=destination.to_terminal, width=destination.width
    )
    destination.write(render(analysis, destination.format_name, options))
