"""The one layer rule import-linter cannot express: who imports the OpenTelemetry SDK."""

from __future__ import annotations

import ast
from pathlib import Path

import rbtrace

PACKAGE = Path(rbtrace.__file__).parent


def imports_at_run_time(tree):
    """Modules a source imports, those for type checkers left out."""
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_only_telemetry_imports_the_sdk():
    offenders = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "recording" / "export")
        for module in imports_at_run_time(ast.parse(path.read_text(encoding="utf-8")))
        if module.startswith("opentelemetry.sdk")
    }
    assert offenders == set()
    in_telemetry = [
        module
        for path in (PACKAGE / "recording" / "export").glob("*.py")
        for module in imports_at_run_time(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert any(module.startswith("opentelemetry.sdk") for module in in_telemetry)
