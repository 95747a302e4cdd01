"""A report for the terminal: aligned numbers and a bar for every share."""

from __future__ import annotations

import io
from typing import Final, Literal

from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from rbtrace.reporting.model import Options, Report, Row, Table
from rbtrace.reporting.numbers import printable

_WIDE_ENOUGH: Final = 160
_BAR_WIDTH: Final = 12
_SHORTEST_LABEL: Final = 16
_UNBOUNDED: Final = 10_000
_STYLES: Final = {True: "bold green", False: "bold red", None: "bold yellow"}


def render(report: Report, options: Options) -> str:
    """Render with rich; with colours if the options say so."""
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
        _print_table(screen, table)
        if table.note:
            screen.print(Text(printable(table.note), "dim"))
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
    if report.scope:
        screen.print(Text(printable(report.scope), "cyan"))
    screen.print()
    grid = Grid.grid(padding=(0, 2))
    for name, text in report.figures:
        grid.add_row(Text(name, "dim"), Text(text, "bold", justify="right"))
    screen.print(grid)
    screen.print()


def _print_table(screen: Console, table: Table) -> None:
    """Print a table, if it is too wide without its details, then with shortened labels."""
    grid = _grid(table, details=True)
    if _width(screen, grid) > screen.width:
        grid = _grid(table, details=False)
    excess = _width(screen, grid) - screen.width
    if excess > 0:
        longest = max(cell_len(_label(row)) for row in table.rows)
        grid.columns[0].max_width = max(_SHORTEST_LABEL, longest - excess)
    width, screen.width = screen.width, max(screen.width, _width(screen, grid))
    screen.print(grid)
    screen.width = width


def _width(screen: Console, grid: Grid) -> int:
    return screen.measure(grid, options=screen.options.update(max_width=_UNBOUNDED)).maximum


def _grid(table: Table, *, details: bool) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    bars = any(row.bar is not None for row in table.rows)
    for index, column in enumerate(table.columns):
        if details or not column.detail:
            justify: Literal["left", "right"] = "right" if column.right else "left"
            grid.add_column(column.title, justify=justify, no_wrap=True, overflow="ellipsis")
        if index == 0 and bars:
            grid.add_column("", width=_BAR_WIDTH)
    for row in table.rows:
        cells: list[RenderableType] = [Text(_label(row))]
        if bars:
            cells.append(Bar(1, 0, row.bar or 0, color="cyan"))
        cells += [
            Text(printable(cell))
            for column, cell in zip(table.columns[1:], row.cells[1:], strict=True)
            if details or not column.detail
        ]
        grid.add_row(*cells, style="dim" if row.rest else None)
    return grid


def _label(row: Row) -> str:
    return "  " * row.depth + printable(row.cells[0])
