"""What every test relies on: nothing of tracing leaks from one test into the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rbtrace.errors import forget_warnings
from rbtrace.testing import read_spans
from tests.support.environment import uncovered

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background lets them, and all they start, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has all programs ignore it

# A busy machine may hold up any single example.
settings.register_profile(
    "patient",
    parent=settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=int, default=1, help="how often to run each case")
    parser.addoption(
        "--record-goldens", action="store_true", help="keep what commands and recordings give now"
    )


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Fail a test that leaves tracing on, rustybt wrapped, or our thread or variables behind."""
    forget_warnings()
    yield
    recorder = sys.modules.get("rbtrace.recording.recorder")
    if recorder is None:
        return
    control = sys.modules.get("rbtrace.recording.engines.control")
    assert not recorder.RECORDER.is_on, "tracing was left on"
    assert control is None or control.traced_count() == 0, "rustybt was left wrapped"
    assert not [name for name in os.environ if name.startswith("RBTRACE_")]
    threads = sys.modules.get("rbtrace.recording.export.threads")
    assert threads is None or not threads._idents, "a thread of tracing's own was left behind"


@pytest.fixture
def run_script(tmp_path):
    """Run a program in a process of its own; give what it printed and the spans it recorded."""

    def run(code, *, launcher=(), expect=0, covered=True, **variables):
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(code), encoding="utf-8")
        inherited = {
            name: value
            for name, value in (os.environ if covered else uncovered()).items()
            if not name.startswith(("RBTRACE_", "OTEL_"))
        }
        done = subprocess.run(
            [sys.executable, *launcher, str(script)],
            env={**inherited, "RBTRACE_DIR": str(tmp_path / "traces"), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return ScriptRun(done.stdout, done.stderr, tmp_path / "traces")

    return run


@dataclass(frozen=True)
class ScriptRun:
    """A finished program."""

    printed: str
    complaints: str
    folder: Path

    @property
    def spans(self):
        return read_spans(self.folder.rglob("*.otlp.jsonl"))

    @property
    def files(self):
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())
