"""The table of what tracing changes: one line for each program, over all its runs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from statistics import median

from rbtrace.comparison.bench.environment import describe_machine, summarize, versions
from tests.harmless.corpus import PROGRAMS
from tests.harmless.judgement import Run
from tests.harmless.program import Program
from tests.harmless.runner import MODES
from tests.harmless.runner import PROGRAMS as FOLDER
from tests.support.markdown import line

POOLS = "many_pools.py"
ON = tuple(mode for mode in MODES if mode != "off")

INTRODUCTION = """\
# What tracing changes

Small programs in awkward corners, each run untraced and then traced in every mode: with summaries,
with a span for each call, with the sampler, and with a collector that is away or silent. Output,
exit status, files, their modes, and what the program sees of its process must be the same, no
process may be left, and the spans must be there and complete. A cell is the median time of the
traced program by that of the untraced one: starting OpenTelemetry is most of it.

`make test-harmless TIMES=10` makes this page. The programs are in `tests/harmless/programs`."""


def document(runs: list[Run], remarks: Iterable[str], failed: int) -> str:
    """The table as a page of its own."""
    machine = "Measured on " + summarize(describe_machine() | versions(sys.executable, Path()))
    pools = [run.program.split() for run in runs if run.program.startswith(POOLS)]
    summary = (
        f"{len(of_all(runs)) - len(pools)} programs in {len(runs) - len(pools)} runs, and "
        f"{sum(int(words[-1]) for words in pools)} pools of workers in a row, left by `with`, "
        f"`close` and `join`, and `terminate`: {failed} tests failed."
    )
    return "\n\n".join([INTRODUCTION, summary, table(runs), *remarks, machine + "."]) + "\n"


def of_all(runs: list[Run]) -> dict[str, list[Run]]:
    by_program: dict[str, list[Run]] = {}
    for run in runs:
        by_program.setdefault(run.program, []).append(run)
    return by_program


def table(runs: list[Run]) -> str:
    """The runs in Markdown."""
    known = {program.name: program for program in PROGRAMS}
    runs = [run for run in runs if run.program in known]
    pythons = sorted({run.python for run in runs})
    header = ("kind", "program", "what it does", "off, s", *ON)
    counts = [f"runs, {python}" for python in pythons]
    rows = [
        line((*words(known[name]), *figures(own), *(counted(own, python) for python in pythons)))
        for name, own in of_all(runs).items()
    ]
    rule = "|---|---|---|" + "---:|" * (1 + len(ON) + len(counts))
    return "\n".join([line((*header, *counts)), rule, *rows])


def words(program: Program) -> tuple[str, str, str]:
    said = said_in(program.file)
    what = said.get(program.function, "")
    return said[""].rstrip("."), f"`{program.name}`", program.what or what


@cache
def said_in(file: str) -> Mapping[str, str]:
    """First lines of the docstrings of a file of programs, by function."""
    tree = ast.parse((FOLDER / f"{file}.py").read_text(encoding="utf-8"))
    documented = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    said = {node.name: ast.get_docstring(node) or "" for node in documented}
    said[""] = ast.get_docstring(tree) or ""
    return {name: text.partition("\n\n")[0].replace("\n", " ") for name, text in said.items()}


def figures(runs: list[Run]) -> Iterable[str]:
    untraced = median(run.elapsed_s["off"] for run in runs)
    yield f"{untraced:.2f}"
    for mode in ON:
        times = [run.elapsed_s[mode] for run in runs if mode in run.elapsed_s]
        failures = sum(bool(run.faults.get(mode)) for run in runs)
        cell = f"{median(times) / untraced:.1f} ×" if times else "–"
        yield f"{failures} failed" if failures else cell


def counted(runs: list[Run], python: str) -> str:
    own = [run for run in runs if run.python == python]
    failures = sum(any(run.faults.values()) for run in own)
    return f"{len(own)}, {failures} failed" if failures else str(len(own) or "–")
