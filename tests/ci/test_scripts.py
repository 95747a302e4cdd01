"""The scripts behind the Makefile say what is wrong, and pass on how a stage ended."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / ".ci"

pytestmark = pytest.mark.skipif(not SCRIPTS.exists(), reason="not in a source distribution")


@pytest.fixture
def checkout(tmp_path):
    checkout = tmp_path / "a checkout"
    shutil.copytree(SCRIPTS, checkout / ".ci")
    return checkout


def run(checkout: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=checkout, env=variables, capture_output=True, text=True, check=False
    )


def tools(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@pytest.mark.parametrize("status", [0, 3])
def test_a_stage_says_how_long_it_took_and_how_it_ended(checkout, status):
    path = tools(checkout / "tools", "sh", "date", "mkdir")

    started = time.monotonic()
    done = run(checkout, ".ci/stage", "the name", "sh", "-c", f"exit {status}", PATH=path)

    assert done.returncode == status
    assert done.stdout.splitlines()[0] == "-- the name"
    took = re.fullmatch(r"-- the name: (\d+) s", done.stdout.splitlines()[-1])
    assert int(took[1]) <= time.monotonic() - started + 1
    assert (checkout / "build" / "stages.txt").read_text().endswith("  the name\n")


def test_set_up_without_a_compiler_says_what_to_install(checkout):
    path = tools(checkout / "tools", "sh", "sort", "head")
    python = checkout / "tools" / "python3.12"
    python.write_text('#!/bin/sh\necho "12 $0"\n')
    python.chmod(0o755)

    done = run(checkout, ".ci/set-up", PATH=path, HOME=str(checkout))

    assert done.returncode == 2
    assert done.stderr.startswith("no C compiler: rustybt is built from source, install gcc")
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


def test_set_up_without_a_python_stops_there(checkout):
    path = tools(checkout / "tools", "sh")

    done = run(checkout, ".ci/set-up", PATH=path, HOME=str(checkout), RBTRACE_PYTHON="/no/python")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_where_no_browser_can_be_installed_the_tests_go_on_without(checkout):
    path = tools(checkout / "tools", "sh", "id")

    done = run(checkout, ".ci/browser", PATH=path)

    assert done.returncode == 0
    assert done.stderr.startswith("Chromium cannot be installed here")


@pytest.mark.parametrize("name", ["otelcol", "jaeger"])
def test_without_go_one_line_says_what_to_install(checkout, name):
    build = SCRIPTS.parent / "collector" / "build"
    path = tools(checkout / "tools", "sh", "dirname")

    done = run(checkout, str(build), name, PATH=path, HOME=str(checkout))

    assert done.returncode == 2
    assert done.stderr.startswith(f"no Go: the {name} is built from source, install Go")
    assert done.stderr.count("\n") == 1
