"""A report for the terminal: aligned numbers and a bar for every share."""

from __future__ import annotations

import io

from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from rbtrace.analysis.results import Results
from rbtrace.reporting.compose import compose
from rbtrace.reporting.model import Options, Report, Table
from rbtrace.reporting.numbers import printable

_WIDE_ENOUGH = 160
_BAR_WIDTH = 12
_STYLES = {True: "bold green", False: "bold red", None: "bold yellow"}


def render(results: Results, options: Options) -> str:
    """Render with rich; with colours if the options say so."""
    report = compose(results, options)
    screen = Console(
        file=io.StringIO(),
        width=options.width or _WIDE_ENOUGH,
        force_terminal=options.colour,
        color_system="standard" if options.colour else None,
        highlight=False,
        legacy_windows=False,
    )
    _opening(screen, report)
    for table in report.tables:
        screen.print(Text(printable(table.title), "bold"))
        screen.print(_grid(table))
        if table.note:
            screen.print(Text(table.note, "dim"))
            screen.print()
    for line in report.warnings:
        screen.print(Text(f"! {printable(line)}", "yellow"))
    assert isinstance(screen.file, io.StringIO)
    return "\n".join(line.rstrip() for line in screen.file.getvalue().splitlines()) + "\n"


def _opening(screen: Console, report: Report) -> None:
    first, *others = report.integrity
    screen.print(Text(first, _STYLES[report.complete]))
    for line in others:
        screen.print(Text(f"  {line}", "yellow"))
    screen.print()
    grid = Grid.grid(padding=(0, 2))
    for name, text in report.figures:
        grid.add_row(Text(name, "dim"), Text(text, "bold", justify="right"))
    screen.print(grid)
    screen.print()


def _grid(table: Table) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    bars = any(row.bar is not None for row in table.rows)
    for place, column in enumerate(table.columns):
        grid.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="ellipsis" if place == 0 else "fold",
            no_wrap=True,
        )
        if place == 0 and bars:
            grid.add_column("", width=_BAR_WIDTH)
    for row in table.rows:
        label, *others = (Text(printable(cell)) for cell in row.cells)
        cells: list[RenderableType] = [Text("  " * row.depth) + label]
        if bars:
            cells.append(Bar(1, 0, row.bar or 0, color="cyan"))
        grid.add_row(*cells, *others, style="dim" if row.rest else None)
    return grid
