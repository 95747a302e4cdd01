"""JSON, version 1: keys may be added, none renamed; shares are fractions, times integer ns."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Options

VERSION: Final = 1


def document(results: Results) -> dict[str, Any]:
    """Results as plain dictionaries and lists. Every row is there, whatever the threshold."""
    fields: dict[str, Any] = msgspec.to_builtins(results)
    return {"version": VERSION, **fields}


def render(results: Results, options: Options) -> str:  # noqa: ARG001 - as every renderer
    """Render as JSON."""
    return msgspec.json.format(msgspec.json.encode(document(results)), indent=1).decode() + "\n"
