"""Where reports go, and in which format: what several commands have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rbtrace.errors import RbtraceError
from rbtrace.reporting.formats import FORMATS, format_of


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes. `width` is the terminal's, None elsewhere."""

    format_name: str
    file: Path | None
    to_terminal: bool
    width: int | None

    def write(self, text: str) -> None:
        """Write the report.

        Raises:
            RbtraceError: the file cannot be written.
        """
        if self.file is None:
            sys.stdout.write(text)
            return
        try:
            self.file.write_text(text, encoding="utf-8")
        except OSError as problem:
            raise RbtraceError(f"cannot write {self.file}: {problem.strerror or problem}") from None


def choose_output(format_name: str | None, file: Path | None) -> Output:
    """Settle the format: as asked, else by the suffix of the file, else by who reads it."""
    to_terminal = file is None and sys.stdout.isatty()
    suffix = format_of(file) if file else None
    chosen = format_name or suffix or ("terminal" if to_terminal else "markdown")
    return Output(chosen, file, to_terminal, _width() if to_terminal else None)


def _width() -> int:
    import shutil  # noqa: PLC0415 - slow to import, and for the terminal alone

    return shutil.get_terminal_size().columns


def output_options[F: Callable[..., Any]](command: F) -> F:
    """The options `--format` and `-o`, as arguments `format_name` and `output`."""
    file = click.option(
        "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
        help="Write the report to FILE.",
    )  # fmt: skip
    format_name = click.option(
        "--format",
        "format_name",
        type=click.Choice(list(FORMATS)),
        help="Default: by the suffix of FILE; else terminal on a terminal, markdown elsewhere.",
    )
    return format_name(file(command))
