"""Entry point of the process of one case: `python -m rbtrace.studies.process MODULE SETTINGS`.

It lets the study's module measure and writes what it found to a file, whole or not at all.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click
import msgspec

from rbtrace.errors import RbtraceError
from rbtrace.files.small_files import replace_file
from rbtrace.studies.journal import Settings


@click.command()
@click.argument("module")
@click.argument("settings")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="rustybt's data.")
@click.option("--result", type=click.Path(path_type=Path), required=True, help="What was found.")
def main(module: str, settings: str, data: Path, result: Path) -> None:
    """Measure one case of a study."""
    study = importlib.import_module(module)
    try:
        figures = study.measure(msgspec.json.decode(settings, type=Settings.__value__), data)
    except RbtraceError as problem:
        click.echo(str(problem), err=True)
        sys.exit(problem.exit_code)
    replace_file(result, msgspec.json.encode(figures))


if __name__ == "__main__":
    main()
