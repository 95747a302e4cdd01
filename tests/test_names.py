"""Names are the field's: what the glossary's right column lists is not bound in the package."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
PUBLIC = {"rbtrace/testing.py: one"}
"""`Capture.one(name)` reads well in a test, and users call it."""


def avoided() -> set[str]:
    """The names the glossary says not to use."""
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[3] for line in lines if line.startswith("| ")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def bound_names(path: Path) -> set[str]:
    """What a module is called, and all that it defines or assigns."""
    names = {path.stem}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                names.add(name)
            case ast.Name(name, ctx=ast.Store()) | ast.arg(name):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
    return {name.strip("_") for name in names}


def test_the_glossary_lists_names_to_avoid():
    assert {"found", "one", "told", "Outbox", "Destination"} <= avoided()


def test_no_module_binds_a_name_that_the_glossary_avoids():
    names = avoided()
    bound = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "rbtrace").rglob("*.py"))
        for name in bound_names(path) & names
    }
    assert bound <= PUBLIC


def test_the_lint_sees_every_kind_of_binding(tmp_path):
    module = tmp_path / "outer.py"
    module.write_text("def told(found, *one): self._picked = spend = 1\nclass Beside: pass\n")
    assert bound_names(module) >= {
        "outer", "told", "found", "one", "picked", "spend", "Beside",
    }  # fmt: skip
