"""`ProfileContext`: what it profiles, what it leaves alone, what it costs when it is disabled."""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
from pathlib import Path

import pytest

from rbtrace.profiling import ProfileContext
from rbtrace.testing import capture
from tests.support.environment import uncovered


def inner(number):
    return sum(range(number))


def work():
    return [inner(100) for _ in range(50)]


def calls_of(stats, name):
    return {function[2]: figures[1] for function, figures in stats.stats.items()}.get(name, 0)


def test_it_counts_calls_and_saves_what_pstats_reads(tmp_path):
    with ProfileContext("work") as profile:
        work()
    assert calls_of(profile.get_stats(), "inner") == 50
    saved = profile.save_stats(tmp_path / "work.pstats")
    assert calls_of(pstats.Stats(str(saved)), "inner") == 50


def test_a_context_that_is_entered_again_adds_up():
    profile = ProfileContext("work")
    for _ in range(2):
        with profile:
            work()
    assert calls_of(profile.get_stats(), "inner") == 100


def test_a_failing_workload_fails_as_it_would_and_nothing_stays_active():
    profile = ProfileContext("work")

    def fail():
        with profile:
            work()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert calls_of(profile.get_stats(), "inner") == 50
    with ProfileContext("another") as again:
        work()
    assert calls_of(again.get_stats(), "inner") == 50


def test_under_another_profiler_the_block_runs_and_says_that_it_is_not_profiled(capsys, tmp_path):
    outer = cProfile.Profile()
    outer.enable()
    try:
        with ProfileContext("within") as profile:
            done = work()
    finally:
        outer.disable()
    assert len(done) == 50
    assert calls_of(pstats.Stats(outer), "inner") == 50
    if profile.get_stats() is None:
        assert profile.save_stats(tmp_path / "none") is None
        assert "within is not profiled: another profiler is active" in capsys.readouterr().err
    else:  # some Pythons let two profilers take turns
        assert sys.version_info < (3, 12)


def test_contexts_within_contexts_run(capsys):
    with ProfileContext("outer") as outer, ProfileContext("within"):
        work()
    assert calls_of(outer.get_stats(), "inner") == 50
    assert "within" in capsys.readouterr().err


def test_while_tracing_is_on_the_block_is_a_span():
    with capture() as captured, ProfileContext("GridSearch"):
        work()
    assert captured.one("GridSearch").duration_ns > 0


def test_disabled_it_is_one_shared_object_that_does_nothing(tmp_path):
    profile = ProfileContext("work", enabled=False)
    assert profile is ProfileContext("other", enabled=False)
    with capture() as captured, profile as entered:
        work()
    assert entered is profile
    assert captured.spans == []
    assert profile.get_stats() is None
    assert profile.save_stats(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_disabled_it_costs_next_to_nothing():
    program = [sys.executable, Path(__file__).with_name("disabled.py")]
    done = subprocess.run(program, env=uncovered(), capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    slowness = max(1, figures["bare_with_ns"] / 350)  # which it takes at most on a good machine
    assert figures["use_ns"] < 500 * slowness
    assert figures["ratio"] < 1.05
