"""`rbtrace analyze` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rbtrace.errors import EXIT_GOOD, EXIT_USAGE
from tests.support.command import RBTRACE, rbtrace
from tests.support.spans import Span, lines, write
from tests.support.terminal import on_a_terminal


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write(
        tmp_path / "trace" / "a.otlp.jsonl",
        [
            Span(1, "root", 1_000, 2_000, category="user"),
            Span(2, "child", 1_100, 1_600, 1),
            Span(3, "tiny", 1_101, 1_102, 2),
        ],
    ).parent


def test_markdown_where_nobody_watches(trace: Path) -> None:
    found = rbtrace("analyze", trace)
    assert found.returncode == EXIT_GOOD
    assert found.stderr == ""
    assert found.stdout.startswith("# Where the time went\n\n- Completeness unknown")
    assert "1 more below 0.5 %" in found.stdout


def test_a_terminal_gets_colours_and_its_width(trace: Path) -> None:
    code, said = on_a_terminal([*RBTRACE, "analyze", str(trace)], COLUMNS="70")

    assert code == EXIT_GOOD
    assert b"\x1b[" in said
    assert "█".encode() in said


def test_json_and_options(trace: Path) -> None:
    document = json.loads(rbtrace("analyze", trace, "--format", "json").stdout)
    assert [row["name"] for row in document["operations"]] == ["root", "child", "tiny"]
    text = rbtrace("analyze", trace, "--by", "path", "--threshold", "0").stdout
    assert "## Call paths" in text
    assert "tiny" in text
    assert "tiny" in rbtrace("analyze", trace, "--full").stdout


def test_standard_input(trace: Path) -> None:
    content = lines([Span(1, "piped", 10, 20)]).decode()
    assert "piped" in rbtrace("analyze", "-", input=content).stdout


@pytest.mark.parametrize(
    ("name", "beginning"), [("a.html", "<!doctype"), ("a.json", "{"), ("a.md", "#"), ("a", "#")]
)
def test_the_suffix_tells_the_format(
    trace: Path, tmp_path: Path, name: str, beginning: str
) -> None:
    found = rbtrace("analyze", trace, "-o", tmp_path / name)
    assert (found.returncode, found.stdout) == (EXIT_GOOD, "")
    assert (tmp_path / name).read_text().startswith(beginning)


def test_a_file_that_cannot_be_written(trace: Path, tmp_path: Path) -> None:
    found = rbtrace("analyze", trace, "-o", tmp_path / "no" / "report.md")
    assert found.returncode == EXIT_USAGE
    assert found.stderr == (
        f"rbtrace: error: cannot write {tmp_path}/no/report.md: No such file or directory\n"
    )


def test_help_has_examples() -> None:
    found = rbtrace("analyze", "--help")
    assert "rbtrace analyze rbtrace-out" in found.stdout


@pytest.mark.parametrize("output", ["json", "markdown"])
def test_plain_formats_load_nothing_heavy(trace: Path, output: str) -> None:
    code = (
        "import sys; from rbtrace.commands import main; "
        f"main.run(['analyze', {str(trace)!r}, '--format', {output!r}]); "
        "heavy = ('pandas', 'scipy', 'rich', 'jinja2', 'opentelemetry'); "
        "sys.exit(str([name for name in heavy if name in sys.modules]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.stderr.strip() == "[]"


def test_a_bar_shows_the_progress_of_long_work(
    trace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rbtrace.commands import _progress, main

    monkeypatch.setattr(_progress, "_WORTH_A_BAR", 1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main.run(["analyze", str(trace)]) == EXIT_GOOD
    assert "reading" in capsys.readouterr().err
