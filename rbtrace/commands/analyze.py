"""Report where the time went, from recorded traces."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from rbtrace.analysis.loading import Progress
from rbtrace.analysis.results import analyze_paths
from rbtrace.errors import RbtraceError
from rbtrace.reporting.formats import FORMATS, format_of, render
from rbtrace.reporting.model import By, Options

_WORTH_A_BAR: Final = 50_000_000
"""Bytes; less is read before anybody wonders."""

_EXAMPLES: Final = """\b
Examples:
  rbtrace analyze rbtrace-out
  rbtrace analyze rbtrace-out --by path --threshold 1
  rbtrace analyze run.otlp.jsonl.gz -o report.html
  rbtrace analyze 'traces/*.jsonl' --format json | jq .operations[0]
"""


@click.command("analyze", epilog=_EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="Default: by the suffix of FILE; else terminal on a terminal, markdown elsewhere.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to FILE.",
)  # fmt: skip
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
@click.option("--full", is_flag=True, help="List every row, whatever its share.")
def command(
    paths: tuple[str, ...],
    format_name: str | None,
    output: Path | None,
    threshold: float,
    by: str,
    full: bool,  # noqa: FBT001 - an option's value
) -> None:
    """Report where the time went.

    PATH is a file of OTLP JSON lines (gzip too), a folder of them, a glob, or - for standard
    input. The report opens with whether the trace is complete.
    """
    to_terminal = output is None and sys.stdout.isatty()
    suffix = format_of(output) if output else None
    chosen = format_name or suffix or ("terminal" if to_terminal else "markdown")
    with _progress() as progress:
        results = analyze_paths(paths, progress)
    width = shutil.get_terminal_size().columns if to_terminal else None
    options = Options(By(by), threshold, full, colour=to_terminal, width=width)
    text = render(results, chosen, options)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise RbtraceError(f"cannot write {output}: {problem.strerror or problem}") from None


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
