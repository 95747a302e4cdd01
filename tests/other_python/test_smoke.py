"""The other supported Python records, samples and analyzes the same, compiled parts included."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.interpreters import OTHERS, THIS, UnavailableError, executable

PROGRAM = Path(__file__).parent / "program.py"
COMPILED = """
from rbtrace.analysis.readers.fast_path import COMPILED as SCANNER
from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.system import SYSTEM
print(COMPILED is not None, SYSTEM is not None, SCANNER is not None)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=OTHERS)
def python(request):
    try:
        return executable(request.param)
    except UnavailableError as problem:
        pytest.skip(str(problem))


def run(*command, **variables):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded(python, folder):
    printed = run(
        python, "-W", "error", str(PROGRAM), RBTRACE_ENABLED="1", RBTRACE_DIR=str(folder),
        RBTRACE_SAMPLER="signal",
    )  # fmt: skip
    assert printed == "[285, 2470, 8555, 20540]\n"
    return folder


def analyzed(python, folder):
    return json.loads(run(python, "-m", "rbtrace", "analyze", str(folder), "--format", "json"))


def test_the_compiled_parts_are_used(python):
    assert run(python, "-c", COMPILED) == "True True True\n"


def test_it_records_what_this_python_records(python, tmp_path):
    report = analyzed(python, recorded(python, tmp_path / "other"))
    this = analyzed(executable(THIS), recorded(executable(THIS), tmp_path / "this"))

    assert report["integrity"]["complete"]
    assert counts(report) == counts(this)
    assert counts(report)["indicator"] == 100


def counts(report):
    return {operation["name"]: operation["calls"] for operation in report["operations"]}


def test_each_python_reads_what_the_other_wrote(python, tmp_path):
    folder = recorded(python, tmp_path / "traces")

    assert analyzed(python, folder) == analyzed(executable(THIS), folder)


def test_flame_graphs_are_drawn(python, tmp_path):
    folder = recorded(python, tmp_path / "traces")

    folded = run(python, "-m", "rbtrace", "flamegraph", str(folder), "--format", "folded")

    assert any("busy" in line for line in folded.splitlines())
