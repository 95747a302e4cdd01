"""The command line as a whole: help, errors, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from rbtrace.commands import main as command_line
from rbtrace.errors import EXIT_BUG, EXIT_GOOD, EXIT_USAGE, SettingError
from tests.support.command import RBTRACE, rbtrace
from tests.support.environment import uncovered
from tests.support.spans import Span, write

HEAVY = ("numpy", "pandas", "scipy", "rich", "jinja2", "opentelemetry")


def test_help_lists_every_command_with_its_line() -> None:
    found = rbtrace("--help")
    assert found.returncode == EXIT_GOOD
    for name in ("analyze", "doctor", "run"):
        assert any(line.split()[:1] == [name] for line in found.stdout.splitlines())
    assert "Report where the time went, from recorded traces." in found.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from rbtrace.commands import main; "
        f"main.run({arguments}); "
        f"sys.exit(str([name for name in {HEAVY} if name in sys.modules]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["--frobnicate"], "No such option"),
        (["analyze"], "Missing argument 'PATH...'"),
        (["analyze", "x", "--format", "pdf"], "'pdf' is not one of"),
        (["analyze", "x", "--threshold", "101"], "not in the range"),
    ],
)
def test_usage_errors(arguments: list[str], message: str) -> None:
    found = rbtrace(*arguments)
    assert found.returncode == EXIT_USAGE
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_a_user_error_is_one_line(tmp_path: Path) -> None:
    found = rbtrace("analyze", tmp_path / "missing")
    assert found.returncode == EXIT_USAGE
    assert found.stderr == f"rbtrace: error: no such file or folder: {tmp_path / 'missing'}\n"
    assert found.stdout == ""


def failing(problem: BaseException) -> click.Command:
    @click.command("fail")
    def fail() -> None:
        raise problem

    return fail


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(problem: BaseException) -> tuple[int, str]:
        monkeypatch.setattr(
            command_line.rbtrace, "get_command", lambda _context, _name: failing(problem)
        )
        return command_line.run(["fail"]), capsys.readouterr().err

    return run


def test_an_unexpected_error_says_how_to_report_it(outcome) -> None:
    code, said = outcome(ZeroDivisionError("oh\nno"))
    assert code == EXIT_BUG
    assert said.startswith("rbtrace: error: ZeroDivisionError: oh no (this is a bug in rbtrace")
    assert said.count("\n") == 1
    assert "RBTRACE_DEBUG=1" in said


def test_debugging_shows_where_it_came_from(outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBTRACE_DEBUG", "1")
    assert "Traceback" in outcome(ZeroDivisionError("oh"))[1]


def test_every_error_of_ours_has_its_exit_code(outcome) -> None:
    assert outcome(SettingError("no")) == (EXIT_USAGE, "rbtrace: error: no\n")


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), click.Abort()])
def test_interruption(outcome, problem: BaseException) -> None:
    code, said = outcome(problem)
    assert (code, said.strip()) == (130, "")


def test_a_command_may_give_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    command = click.Command("three", callback=lambda: 3)
    monkeypatch.setattr(command_line.rbtrace, "get_command", lambda _context, _name: command)
    assert command_line.run(["three"]) == 3


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    spans = [Span(at, f"operation {at}", 0, at) for at in range(1, 5_000)]
    path = write(tmp_path / "a.otlp.jsonl", spans)
    with subprocess.Popen(
        [*RBTRACE, "analyze", str(path), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == EXIT_GOOD


_MORE_THAN_A_PIPE_HOLDS = 100_000


def test_control_c_while_reading(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with (
        subprocess.Popen(
            [*RBTRACE, "analyze", str(fifo)],
            env=uncovered(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        fifo.open("wb") as lines,
    ):
        lines.write(b'{"resourceSpans":[]}\n' * _MORE_THAN_A_PIPE_HOLDS)
        lines.flush()  # returns when the command has read some of it, and waits for more
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
