"""Write recorded spans to one file for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from rbtrace.analysis.parquet_writer import export
from rbtrace.commands._progress import progress_bar

_EXAMPLES: Final = """\b
Examples:
  rbtrace export rbtrace-out --parquet spans.parquet
  rbtrace export 'traces/*.jsonl.gz' --parquet spans.parquet && rbtrace analyze spans.parquet
  duckdb -c "select name, count(*) from 'spans.parquet' group by name"

Needs the extra parquet: pip install 'rbtrace[parquet]'
"""


@click.command("export", epilog=_EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--parquet", "target", metavar="FILE", required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a Parquet file, one row for each span.",
)  # fmt: skip
def command(paths: tuple[str, ...], target: Path) -> None:
    """Write recorded spans to one file for other tools.

    PATH is as for rbtrace analyze. Analyzing the file gives what analyzing PATH gives, faster.
    Memory does not grow with the number of spans.
    """
    with progress_bar() as progress:
        written = export(paths, target, progress)
    click.echo(f"{written:,} spans in {target}", err=True)
