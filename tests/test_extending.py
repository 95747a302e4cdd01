"""Where a new thing goes: one of each is added to a copy of the package, in two files at most.

The table "Where a new thing goes" of docs/architecture.md names these files.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.environment import uncovered

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
RECORD = """
import colorsys, rbtrace
rbtrace.instrument()
with rbtrace.span("work"):
    colorsys.rgb_to_hsv(1, 2, 3)
rbtrace.shutdown()
"""


class Edit(NamedTuple):
    """Put `text` before the first `anchor` of a file, or make the file of it."""

    file: str
    text: str
    anchor: str = ""


METHOD = [
    Edit(
        "rbtrace/recording/engines/table.py",
        'TracedMethod("colorsys:rgb_to_hsv", Kind.SPAN, Category.COMPUTATION),\n    ',
        'TracedMethod(\n        "rustybt.utils.run_algo',
    )
]
READER = [
    Edit(
        "rbtrace/analysis/readers/marked.py",
        """
import io
from rbtrace.analysis.readers import otlp_json

def recognises(head):
    return head.startswith(b"#marked")

def read(stream, into, faults, on_bytes):
    stream.readline()
    otlp_json.read(io.BufferedReader(io.BytesIO(stream.read())), into, faults, on_bytes)
""",
    ),
    Edit("rbtrace/analysis/loading.py", "marked, ", "otlp_json, otlp_protobuf, parquet"),
    Edit(
        "rbtrace/analysis/loading.py",
        '    Reader("marked", marked.recognises, marked.read),\n',
        '    Reader("OTLP JSON"',
    ),
]
ANALYSIS = [
    Edit(
        "rbtrace/analysis/longest.py",
        """
def longest_span_ns(table):
    return int((table.end - table.start).max())
""",
    ),
    Edit(
        "rbtrace/analysis/results.py",
        "from rbtrace.analysis.longest import longest_span_ns\n",
        "from rbtrace.analysis.runs",
    ),
    Edit(
        "rbtrace/analysis/results.py", "    longest_span_ns: int = 0\n", '    computed: str = ""\n'
    ),
    Edit(
        "rbtrace/analysis/results.py",
        "        longest_span_ns=longest_span_ns(full_table),\n",
        "        filter=filtered,\n",
    ),
]
SECTION = [
    Edit(
        "rbtrace/reporting/tables.py",
        """
def advice(results):
    return Table.of("Advice", [Column("what to do", str, right=False)], ["use fewer spans"])


""",
        "def breakdown(",
    ),
    Edit(
        "rbtrace/reporting/analysis.py",
        "    listed.append(tables.advice(results))\n",
        "    if options.by is not By.CATEGORY",
    ),
]
FORMAT = [
    Edit(
        "rbtrace/reporting/title.py",
        """
def render(report, options):
    return report.title + "!\\n"
""",
    ),
    Edit(
        "rbtrace/reporting/formats.py",
        '    "title": Format((".title",), "rbtrace.reporting.title:render"),\n',
        '    "json": Format(',
    ),
]
STUDY = [
    Edit(
        "rbtrace/studies/tiny.py",
        """
from rbtrace.studies.journal import Case

def cases(*, quick):
    return [Case({"number": 1}, 0.5)]
""",
    ),
    Edit(
        "rbtrace/studies/catalogue.py",
        '    "tiny": Study("what next to nothing costs", "rbtrace.studies.tiny"),\n',
        '    "batch-init": Study(',
    ),
]


@pytest.fixture
def add(tmp_path):
    """A function that makes the edits in a copy, and gives what runs Python on that."""
    shutil.copytree(ROOT / "rbtrace", tmp_path / "rbtrace", ignore=shutil.ignore_patterns("*.pyc"))

    def make(edits):
        files = {edit.file for edit in edits}
        assert len(files) <= 2, files
        for edit in edits:
            path = tmp_path / edit.file
            assert path.exists() is bool(edit.anchor), edit
            before, anchor, after = (
                path.read_text(encoding="utf-8").partition(edit.anchor)
                if edit.anchor
                else ("", "", "")
            )
            assert anchor == edit.anchor, edit
            path.write_text(before + edit.text + anchor + after, encoding="utf-8")
        return run

    def run(*arguments):
        environ = {**uncovered(), "PYTHONPATH": str(tmp_path), "RBTRACE_DIR": "traces"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return make


def analyzed(run, *options):
    run("-c", RECORD)
    return run("-m", "rbtrace", "analyze", "traces", *options)


def test_a_traced_method_is_a_row(add):
    report = json.loads(analyzed(add(METHOD), "--format", "json"))
    assert "rgb_to_hsv" in {operation["name"] for operation in report["operations"]}


def test_a_reader_is_a_module_and_a_row(add, tmp_path):
    run = add(READER)
    run("-c", RECORD)
    (file,) = (tmp_path / "traces").rglob("*.otlp.jsonl")
    (tmp_path / "marked").write_bytes(b"#marked\n" + file.read_bytes())
    report = json.loads(run("-m", "rbtrace", "analyze", "marked", "--format", "json"))
    assert [operation["name"] for operation in report["operations"]] == ["work"]


def test_an_analysis_is_a_module_and_a_field(add):
    report = json.loads(analyzed(add(ANALYSIS), "--format", "json"))
    assert report["longest_span_ns"] == report["wall_ns"] > 0


def test_a_section_is_a_table_and_a_line(add):
    assert "use fewer spans" in analyzed(add(SECTION), "--format", "markdown")


def test_a_format_is_a_module_and_a_row(add):
    assert analyzed(add(FORMAT), "--format", "title") == "Where the time went!\n"


def test_a_study_is_a_module_and_a_row(add):
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)
    run = add(STUDY)
    assert "tiny" in run("-m", "rbtrace", "scenario", "--help")
    print_cases = (
        "from rbtrace.studies.catalogue import STUDIES;"
        "print(*STUDIES['tiny'].load().cases(quick=True))"
    )
    assert run("-c", print_cases).startswith("number 1")


@pytest.mark.parametrize(
    "edits", [METHOD, READER, ANALYSIS, SECTION, FORMAT, STUDY], ids=lambda edits: edits[-1].file
)
def test_the_document_names_the_files(edits):
    table = ARCHITECTURE.partition("## Where a new thing goes")[2].partition("\n## ")[0]
    for edit in edits:
        folder, _, name = edit.file.rpartition("/")
        named = f"`{edit.file}`" if edit.anchor else f"`{folder}/`"
        in_folder = f"`{folder}/`" in table and f"`{name}`" in table
        assert named in table or (edit.anchor and in_folder), edit.file
