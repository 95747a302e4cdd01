"""The demo as a stranger runs it: a program that knows nothing of tracing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import rbtrace
from tests.support.environment import uncovered

pytestmark = pytest.mark.engine

DEMO = [sys.executable, "-m", "rbtrace.studies.demo"]


@pytest.fixture(autouse=True)
def _engine():
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)


@pytest.mark.slow
def test_the_demo_works_and_leaves_only_its_results(tmp_path):
    output, home = tmp_path / "a demo", tmp_path / "home"
    home.mkdir()

    # A minute of work on an idle machine; coverage and other tests may share the cores.
    done = subprocess.run(
        [*DEMO, "--output", str(output)],
        env=os.environ | {"HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "matplotlib")},
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "same best parameters" in done.stdout
    assert [path.name for path in output.iterdir()] == ["results.json"]
    assert list(home.iterdir()) == []
    backtest, sequential, parallel, walk = json.loads((output / "results.json").read_text())
    assert backtest["result"]["sessions"] > 1000
    assert sequential["result"] == parallel["result"]
    assert sequential["result"]["trials"] >= 12
    assert len(walk["result"]["windows"]) >= 2
    assert all(part["seconds"] > 0 for part in (backtest, sequential, parallel, walk))


def test_an_interrupt_that_was_handled_does_not_end_the_process():
    code = """
import signal, sys
from rbtrace.errors import exit_code_of_interrupt
try:
    exec("raise KeyboardInterrupt")
except KeyboardInterrupt:
    pass
sys.exit(exit_code_of_interrupt())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 130


# In the imports, in the first backtest, and with workers at work.
@pytest.mark.parametrize(
    "after",
    [
        "Ingesting",
        pytest.param("one backtest", marks=pytest.mark.slow),
        pytest.param("grid search ", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_it_cleanly_and_leaves_readable_traces(tmp_path, tmp_path_factory, after):
    traces = tmp_path_factory.mktemp("traces")
    traced = {"RBTRACE_ENABLED": "1", "RBTRACE_DIR": str(traces)}
    process = subprocess.Popen(
        [*DEMO, "--output", str(tmp_path)],
        env=uncovered() | {"PYTHONUNBUFFERED": "1"} | traced,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(after):
            break
    time.sleep(1)

    # As a terminal does: to the program and to its workers alike.
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=600)

    assert (process.returncode, errors[-12:]) == (130, "interrupted\n")
    assert list(tmp_path.iterdir()) == []
    if after != "Ingesting":
        report = rbtrace.analyze(traces)
        assert "TradingAlgorithm.run" in set(report.operations["name"])
        assert report.integrity.complete
        assert report.integrity.truncated_lines == 0


def test_a_file_in_the_way_is_one_clear_line(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    done = subprocess.run(
        [*DEMO, "--output", str(in_the_way / "demo")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("rbtrace: error: ")
    assert done.stderr.count("\n") == 1
