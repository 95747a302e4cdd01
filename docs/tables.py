"""Write the tables and schemas of the documentation from the code that defines them.

python docs/tables.py          # rewrite the tables in docs/*.md and the docs/*.schema.json
python docs/tables.py --check  # say which are out of date; exit status 1 if any is
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from rbtrace.comparison.bench.result import Plan, ProcessRun
from rbtrace.comparison.results import ComparisonResults
from rbtrace.conventions import ATTRIBUTES
from rbtrace.recording.engines.table import TRACED_METHODS
from rbtrace.settings import SETTINGS

HERE = Path(__file__).parent


def settings_table() -> str:
    """Environment variables."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for row in SETTINGS:
        default = f"`{row.default}`" if row.default else "–"
        rows.append(f"| `{row.variable}` | {default} | {row.meaning} |")
    return "\n".join(rows)


def attributes_table() -> str:
    """Attribute keys."""
    rows = ["| key | on | meaning |", "|---|---|---|"]
    rows += [f"| `{row.key}` | {row.on} | {row.meaning} |" for row in ATTRIBUTES]
    return "\n".join(rows)


def methods_table() -> str:
    """Traced methods of rustybt."""
    rows = ["| span name | recorded as | category | in rustybt |", "|---|---|---|---|"]
    for row in TRACED_METHODS:
        target = row.target.removeprefix("rustybt.")
        rows.append(f"| `{row.span_name}` | {row.kind} | `{row.category}` | `{target}` |")
    return "\n".join(rows)


TABLES = {
    "settings.md": settings_table,
    "conventions.md": attributes_table,
    "traced-methods.md": methods_table,
}
SCHEMAS = {
    "comparison.schema.json": [ComparisonResults],
    "bench.schema.json": [Plan, ProcessRun],
}
_NAMES_IN_SCHEMAS = {"ComparisonResults": "Comparison", "ProcessRun": "Run"}
"""Definitions keep the names they were published with."""
_BEGIN, _END = "<!-- table -->", "<!-- end of table -->"


def expected(name: str) -> str:
    """The text a document should have: its own words around the table of the code, or a schema."""
    if name in SCHEMAS:
        return schema(SCHEMAS[name])
    text = (HERE / name).read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{TABLES[name]()}\n{_END}{after}"


def schema(types: Sequence[type]) -> str:
    """The JSON Schema of documents that are of one of these types."""
    found, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **(found[0] if len(found) == 1 else {"anyOf": list(found)}),
        "$defs": {name: _cleaned(component) for name, component in components.items()},
    }
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    for name, published in _NAMES_IN_SCHEMAS.items():
        text = text.replace(name, published)
    return text


def _cleaned(component: dict[str, Any]) -> dict[str, Any]:
    # Before msgspec 0.23 a description keeps the indentation of the docstring.
    if "description" not in component:
        return component
    return {**component, "description": inspect.cleandoc(component["description"])}


def stale() -> list[str]:
    """Documents that are not what the code says."""
    return [
        name
        for name in [*TABLES, *SCHEMAS]
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != expected(name)
    ]


def main() -> int:
    """Rewrite or check."""
    found = stale()
    if "--check" in sys.argv[1:]:
        for name in found:
            sys.stderr.write(f"docs/{name} is out of date: run python docs/tables.py\n")
        return 1 if found else 0
    for name in found:
        (HERE / name).write_text(expected(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
