"""Results as reports in each output format, and as pandas DataFrames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_type_hints

import msgspec
from msgspec import Struct

from rbtrace.reporting.model import Options, Report

if TYPE_CHECKING:
    import pandas as pd


class Format(NamedTuple):
    """One format: suffixes of its files, and where its `render(report, options) -> str` is.

    The function is named, not imported: a format's libraries are loaded when it is asked for.
    JSON has none, for it is not made of the report, but of all results.
    """

    suffixes: tuple[str, ...]
    renderer: str = ""


FORMATS: Final = {
    "terminal": Format((".txt",), "rbtrace.reporting.terminal:render"),
    "markdown": Format((".md", ".markdown"), "rbtrace.reporting.markdown:render"),
    "html": Format((".html", ".htm"), "rbtrace.reporting.html:render"),
    "json": Format((".json",)),
}
_DTYPES: Final[dict[Any, str]] = {
    int: "int64",
    float: "float64",
    int | None: "Int64",
    float | None: "float64",
}
"""Of columns, by the type of the field, also where there are no rows: what may be unknown is
`Int64` if whole, NaN if not. Texts and lists are objects."""


class Reported[R](ABC):
    """Results that are handed out as frames and reports: what all kinds of them have in common."""

    def __init__(self, results: R) -> None:
        self.results = results

    def to_markdown(self, **options: Any) -> str:
        """The report as Markdown; options are fields of `rbtrace.reporting.model.Options`."""
        return render(self, "markdown", replace(Options(), **options))

    def to_html(self, **options: Any) -> str:
        """The report as a page of its own; options as in `to_markdown`."""
        return render(self, "html", replace(Options(), **options))

    def to_json(self) -> str:
        """Everything, as the JSON document that the command prints with `--format json`."""
        return render(self, "json", Options())

    def _repr_html_(self) -> str:
        from rbtrace.reporting.html import render_report  # noqa: PLC0415 - notebooks only

        return render_report(self._report(Options()), part=True)

    @abstractmethod
    def _report(self, options: Options) -> Report:
        """The report."""

    def _document(self) -> Any:
        """What the JSON document is made of."""
        return self.results


def render(reported: Reported[Any], name: str, options: Options) -> str:
    """Render results in one of `FORMATS`."""
    renderer = FORMATS[name].renderer
    if not renderer:
        document = msgspec.json.encode(reported._document())
        return msgspec.json.format(document, indent=1).decode() + "\n"
    text: str = resolve_name(renderer)(reported._report(options), options)
    return text


def format_of(path: Path) -> str | None:
    """The format a file name asks for by its suffix, None if it does not."""
    suffix = path.suffix.lower()
    return next((name for name, row in FORMATS.items() if suffix in row.suffixes), None)


def frame(rows: Sequence[Struct], row_type: type[Struct]) -> pd.DataFrame:
    """A frame of rows of one type, a column per field; they are there even when no row is."""
    import pandas as pd  # noqa: PLC0415 - importing it takes a second

    return pd.DataFrame(
        {
            name: pd.Series([getattr(row, name) for row in rows], dtype=_DTYPES.get(kind, "object"))
            for name, kind in get_type_hints(row_type).items()
        }
    )
