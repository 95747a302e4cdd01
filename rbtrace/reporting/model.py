"""The report: what is said, in the order in which it is said, apart from how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class By(StrEnum):
    """What the main table breaks time down by."""

    OPERATION = "operation"
    PATH = "path"
    CATEGORY = "category"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Options:
    """How a report is made.

    `threshold` is the share, in per cent, from which a row is listed; the rest is one row.
    `full` lists every row. `width` is the terminal's, in signs, None for wide enough.
    """

    by: By = By.OPERATION
    threshold: float = 0.5
    full: bool = False
    colour: bool = False
    width: int | None = None


@dataclass(frozen=True)  # with slots, Python 3.12 cannot make a Column[T]
class Column[T]:
    """A column of a table: its title, and the text of its cell in the row of an item.

    Numbers stand to the right; details go where there is no room.
    """

    title: str
    cell: Callable[[T], str]
    right: bool = True
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `bar` is the fraction a bar shows, `depth` how far it is indented."""

    cells: list[str]
    bar: float | None = None
    depth: int = 0
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table. The first column names the rows."""

    title: str
    columns: Sequence[Column[Any]]
    rows: list[Row]
    note: str = ""

    @classmethod
    def of[T](
        cls,
        title: str,
        columns: Sequence[Column[T]],
        items: Iterable[T],
        note: str = "",
        bar: Callable[[T], float | None] = lambda _: None,
        depth: Callable[[T], int] = lambda _: 0,
    ) -> Table:
        """A table with a row of each item: its bar where `bar` gives a fraction, its depth."""
        rows = [
            Row([column.cell(item) for column in columns], bar(item), depth(item)) for item in items
        ]
        return cls(title, columns, rows, note)

    def add(self, *cells: str, bar: float | None = None, rest: bool = False) -> None:
        """Add a row of its own, such as a sum: these cells, the others empty."""
        blank = [""] * (len(self.columns) - len(cells))
        self.rows.append(Row([*cells, *blank], bar, rest=rest))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: an `svg` element, and the name of the file that holds it where it is apart.

    An interactive one is a document with a style and a script of its own. A page shows it as it
    stands, and links its file.
    """

    title: str
    file: str
    svg: str
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `complete` and `integrity` open it: whether all is there, and what is amiss.

    `scope` says which part of the trace is reported, if not all. `findings` are what follows from
    the tables, in sentences.
    """

    title: str
    complete: bool | None
    integrity: list[str]
    figures: list[tuple[str, str]]
    tables: list[Table]
    warnings: list[str] = field(default_factory=list)
    scope: str = ""
    findings: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
