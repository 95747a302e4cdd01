"""The output formats. A new one is a new module with `render`, and a row here."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import Final, NamedTuple

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Options


class Format(NamedTuple):
    """One format: suffixes of its files, and where its `render(results, options) -> str` is.

    The function is named, not imported: a format's libraries are loaded when it is asked for.
    """

    suffixes: tuple[str, ...]
    renderer: str


FORMATS: Final = {
    "terminal": Format((".txt",), "rbtrace.reporting.terminal:render"),
    "markdown": Format((".md", ".markdown"), "rbtrace.reporting.markdown:render"),
    "html": Format((".html", ".htm"), "rbtrace.reporting.html:render"),
    "json": Format((".json",), "rbtrace.reporting.json:render"),
}


def render(results: Results, name: str, options: Options) -> str:
    """Render results in one of `FORMATS`."""
    text: str = resolve_name(FORMATS[name].renderer)(results, options)
    return text


def format_of(path: Path) -> str | None:
    """The format a file name asks for by its suffix, None if it does not."""
    suffix = path.suffix.lower()
    return next((name for name, one in FORMATS.items() if suffix in one.suffixes), None)
