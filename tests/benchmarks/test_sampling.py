"""The comparison of samplers, on short runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.reporting.markdown import render_report
from tests.benchmarks import known_work
from tests.benchmarks.known_work import CPROFILE, WorkRequest, do_work
from tests.benchmarks.sampling import (
    SIGNAL,
    SWITCHED,
    Measurement,
    cost,
    report,
    run_long,
    sampled_shares,
)
from tests.support.environment import uncovered
from tests.support.profiles import write_profile
from tests.support.stepped_process import SteppedProcess

KNOWN_WORK = [sys.executable, "-m", "tests.benchmarks.known_work"]
SAMPLING = [sys.executable, "-m", "tests.benchmarks.sampling"]


@pytest.fixture
def uncovered_children(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Coverage would be what the samplers find most of."""
    for name in os.environ.keys() - uncovered().keys():
        monkeypatch.delenv(name)


def test_shares_are_those_of_what_is_on_the_stack(tmp_path: Path) -> None:
    write_profile(
        tmp_path / "a.profile.jsonl",
        [
            (1, 10, ["main", "part_one"], 0, 0),
            (2, 20, ["main", "part_two", "work"], 0, 0),
            (3, 70, ["main", "other"], 0, 0),
            (4, 10, ["main", "part_three"], 0, 0),
        ],
    )
    assert sampled_shares(SIGNAL, tmp_path, tmp_path) == [0.25, 0.5, 0.25]


def test_what_looks_on_from_outside_is_read_as_folded_stacks(tmp_path: Path) -> None:
    folded = tmp_path / "folded"
    folded.write_text("main (a.py:3);part_one (a.py:9) 1\nmain (a.py:3);part_three (a.py:1) 3\n")
    assert sampled_shares("py-spy", tmp_path, folded) == [0.25, 0.0, 0.75]


def test_known_work_takes_its_time_and_its_shares_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that stands still while the machine does something else.
    clock = SimpleNamespace(
        perf_counter_ns=time.thread_time_ns, process_time_ns=time.process_time_ns
    )
    monkeypatch.setattr(known_work, "time", clock)
    done = do_work("pure Python", 0.1)
    assert done.rounds > 1
    assert sum(done.shares) == pytest.approx(1)
    assert done.shares[1] > done.shares[0]


@pytest.mark.slow
@pytest.mark.usefixtures("uncovered_children")
@pytest.mark.parametrize("sampler", [SIGNAL, CPROFILE])
def test_a_short_run_finds_the_shares(sampler: Any, tmp_path: Path) -> None:
    assert run_long("pure Python", sampler, 6.0, tmp_path).error < 0.1


@pytest.mark.slow
@pytest.mark.usefixtures("uncovered_children")
@pytest.mark.parametrize("sampler", SWITCHED)
def test_the_cost_of_a_sampler(sampler: Any) -> None:
    found = cost("many small calls", sampler, 2, 3)
    if sampler == SIGNAL:
        assert found.ratio < 1.2
    else:
        assert found.ratio > 1.2


@pytest.mark.slow
@pytest.mark.usefixtures("uncovered_children")
def test_only_the_turns_of_a_sampler_are_sampled(tmp_path: Path) -> None:
    with closing(SteppedProcess([*KNOWN_WORK, "pure Python"], os.environ)) as process:
        process.step(msgspec.json.encode(WorkRequest(SIGNAL, 0.5, str(tmp_path), 4)).decode())
        process.finish()
    profile = read_profiles(profile_files([tmp_path]), Faults())
    assert 1.8 < sum(weight for _, weight, _ in profile.folded()) / 1e9 < 2.6


def test_a_bad_number_of_pairs_is_one_clear_line() -> None:
    done = subprocess.run([*SAMPLING, "--pairs", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Invalid value for '--pairs'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_report_says_how_long_and_how_often() -> None:
    measured = Measurement("numpy", SIGNAL, "0.3 points", "1.012")
    document = render_report(report([measured], 60.0, 10, 20))

    assert "| seconds of the run of an error | 60 |" in document
    assert "| workload | sampler | greatest error of a share | CPU, on ÷ off |" in document
    assert "| numpy | signal | 0.3 points | 1.012 |" in document
