"""Write the tables of the documentation from the code that defines them.

python docs/tables.py          # rewrite the tables in docs/*.md
python docs/tables.py --check  # say which are out of date; exit status 1 if any is
"""

from __future__ import annotations

import sys
from pathlib import Path

from rbtrace.conventions import ATTRIBUTES
from rbtrace.instrumentation.table import TRACED_METHODS
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
_BEGIN, _END = "<!-- table -->", "<!-- end of table -->"


def expected(name: str) -> str:
    """The text a document should have: its own words around the table of the code."""
    text = (HERE / name).read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{TABLES[name]()}\n{_END}{after}"


def stale() -> list[str]:
    """Documents whose table is not that of the code."""
    return [name for name in TABLES if (HERE / name).read_text(encoding="utf-8") != expected(name)]


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
