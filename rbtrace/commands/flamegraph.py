"""Draw what the program did: a flame graph of stack samples, or of spans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from rbtrace.commands._progress import progress_bar
from rbtrace.errors import RbtraceError
from rbtrace.profiling.flamegraph.formats import FORMATS, format_of, to_difference
from rbtrace.profiling.flamegraph.selecting import Selection
from rbtrace.profiling.flamegraph.sources import read_flame_graph

_EXAMPLES: Final = """\b
Examples:
  RBTRACE_ENABLED=1 RBTRACE_SAMPLER=signal python my_backtest.py
  rbtrace flamegraph rbtrace-out -o run.svg
  rbtrace flamegraph rbtrace-out --operation DataPortal.get_history_window -o history.html
  rbtrace flamegraph rbtrace-out --trial 7 -o trial.speedscope.json
  rbtrace flamegraph rbtrace-out --operation Optimizer.trial --slowest -o slow.svg
  rbtrace flamegraph after --baseline before -o difference.svg
  rbtrace flamegraph rbtrace-out --format folded | sort -k2 -n | tail

Without samples the graph is made of spans: operations instead of functions.
"""


@click.command("flamegraph", epilog=_EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--operation", metavar="NAME", help="Only what ran within this operation.")
@click.option("--trial", metavar="NUMBER", type=int, help="Only this trial of a search.")
@click.option("--worker", metavar="PROCESS", help="Only this process: its pid, or host/pid.")
@click.option(
    "--slowest",
    is_flag=True,
    help="Only the slowest 1 % of the operation's spans; of aggregated calls, those kept.",
)
@click.option("--spans", "spans_only", is_flag=True, help="Use spans even where there are samples.")
@click.option(
    "--baseline",
    metavar="PATH",
    multiple=True,
    help="Draw the difference to this run: red is more, blue is less.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="Default: by the suffix of FILE; else svg.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Write to FILE.",
)  # fmt: skip
def command(
    paths: tuple[str, ...],
    baseline: tuple[str, ...],
    format_name: str | None,
    output: Path | None,
    *,
    spans_only: bool,
    **criteria: Any,
) -> None:
    """Draw what the program did, as a flame graph.

    PATH is a folder of traces, a profile file, a spans file or a glob. What the graph is made of,
    and what is missing from it, is said on standard error.
    """
    chosen_format = format_name or (format_of(output) if output else None) or "svg"
    if output is None and sys.stdout.isatty() and chosen_format != "folded":
        raise RbtraceError(
            f"{chosen_format} is not for a terminal: give a file with -o, or redirect"
        )
    if baseline and chosen_format != "svg":
        raise click.UsageError(f"a difference is drawn as svg only, not as {chosen_format}")
    selection = Selection(**criteria)
    with progress_bar() as progress:
        graph = read_flame_graph(paths, selection, progress, spans_only=spans_only)
        before = baseline and read_flame_graph(baseline, selection, progress, spans_only=spans_only)
    content = to_difference(before, graph) if before else FORMATS[chosen_format].write(graph)
    for drawn in (before, graph) if before else (graph,):
        for warning in drawn.warnings:
            click.echo(f"rbtrace: warning: {warning}", err=True)
        click.echo(f"{drawn.title}: {drawn.note}", err=True)
    _write(content, output)


def _write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as problem:
        raise RbtraceError(f"cannot write {output}: {problem.strerror or problem}") from None
