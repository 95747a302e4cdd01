"""Compare two arms: the work they did, then the time they took."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from rbtrace.commands._output import choose_output, output_options
from rbtrace.comparison.decisions import MAX_REGRESSION, THRESHOLD
from rbtrace.reporting.comparison import compare
from rbtrace.reporting.formats import render
from rbtrace.reporting.model import Options

_EXAMPLES: Final = """\b
Examples:
  rbtrace compare out                          # both arms of rbtrace bench -o out
  rbtrace compare traces/main traces/branch --format markdown > comment.md
  rbtrace compare main.json branch.json        # of pyperf, or of pytest-benchmark
  rbtrace compare before after --work          # one run of each is enough

\b
Exit status: 0 good; 1 a gate failed (the whole or an operation is slower than allowed, calls
differ with --work, no improvement with --require-improvement); 2 nothing to compare; 3 undecided.
"""


@click.command("compare", epilog=_EXAMPLES)
@click.argument("baseline")
@click.argument("candidate", required=False)
@click.option(
    "--threshold",
    metavar="PERCENT",
    type=float,
    default=THRESHOLD,
    show_default=True,
    help="From which a candidate is an improvement.",
)
@click.option(
    "--max-regression",
    metavar="PERCENT",
    type=float,
    help=f"By which it may be slower.  [default: {MAX_REGRESSION:g}; with --work any]",
)
@click.option("--require-improvement", is_flag=True, help="Fail unless it is an improvement.")
@click.option("--work", is_flag=True, help="Fail if calls or results differ; time decides nothing.")
@click.option("--full", is_flag=True, help="List every operation and every call path.")
@output_options
def command(
    baseline: str,
    candidate: str | None,
    format_name: str | None,
    output: Path | None,
    *,
    full: bool,
    **policy: Any,
) -> int:
    """Compare CANDIDATE with BASELINE.

    Each is a folder, file or glob of traces, a result of rbtrace bench, or a file of pyperf or
    pytest-benchmark (or a folder of the latter's). Of a place that has both arms, each argument
    takes its own; then CANDIDATE can be left out.
    """
    comparison = compare(baseline, candidate or baseline, **policy)
    destination = choose_output(format_name, output)
    options = Options(full=full, colour=destination.to_terminal, width=destination.width)
    destination.write(render(comparison, destination.format_name, options))
    return comparison.outcome.exit_code
