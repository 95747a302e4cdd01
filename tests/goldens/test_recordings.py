"""What a traced program leaves stays as it is: names and modes of files, spans, keys, order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.goldens import keeping
from tests.goldens.recording import described, operations
from tests.support.environment import uncovered

PROGRAMS = Path(__file__).with_name("programs")
RECORDINGS = {
    "summary": ("recorded.py", {}),
    "calls": ("recorded.py", {"RBTRACE_DETAIL": "calls"}),
    "params": (
        "recorded.py",
        {"RBTRACE_PARAMS": "1", "RBTRACE_ARM": "candidate", "RBTRACE_PAIR": "3",
         "RBTRACE_ORDER": "2", "OTEL_SERVICE_NAME": "mine"},
    ),
    "killed": ("killed.py", {}),
    "sampled": (
        "sampled.py", {"RBTRACE_SAMPLER": "signal", "RBTRACE_SAMPLE_INTERVAL_MS": "5"}
    ),
}  # fmt: skip


def traced(
    program: str, folder: Path, *arguments: str, is_silent: bool = True, **variables: str
) -> Path:
    """Run a program under tracing; the folder with what it recorded."""
    inherited = {
        name: value
        for name, value in uncovered().items()
        if not name.startswith(("RBTRACE_", "OTEL_"))
    }
    on = {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(folder / "traces"), "RBTRACE_RUN_ID": "run"}
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / program), *arguments],
        env={**inherited, **on, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in {0, -9}, done.stderr
    assert not is_silent or (done.stdout, done.stderr) == ("", "")
    return folder / "traces"


@pytest.fixture
def require_kept(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares with what is kept; keeps it first when asked to."""

    def require(name: str, found: str) -> None:
        if request.config.getoption("--record-goldens"):
            keeping.keep(name, found.encode())
        keeping.require_same(name, found.encode())

    return require


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the program forks")
@pytest.mark.parametrize("name", RECORDINGS)
def test_the_files_are_what_is_kept(name: str, tmp_path: Path, require_kept) -> None:
    program, variables = RECORDINGS[name]
    folder = traced(program, tmp_path, **variables)
    require_kept(f"recorded/{name}.txt", described(folder))


@pytest.mark.engine
@pytest.mark.slow
def test_the_operations_of_a_search_are_what_is_kept(tmp_path: Path, require_kept) -> None:
    folder = traced("search.py", tmp_path, "data", is_silent=False)
    require_kept("recorded/search.txt", operations(folder))
