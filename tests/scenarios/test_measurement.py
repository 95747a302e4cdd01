from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rbtrace.errors import RbtraceError
from rbtrace.scenarios.measurement import SteppedProcess, paired_ratio

SECONDS = st.floats(min_value=1e-3, max_value=1e3)
PAIRS = st.lists(st.tuples(SECONDS, SECONDS), min_size=2, max_size=20)


@given(pairs=PAIRS)
def test_paired_ratio_is_the_paired_log_t_interval(pairs):
    baseline, candidate = zip(*pairs, strict=True)
    logs = np.log(candidate) - np.log(baseline)
    mean, error = logs.mean(), stats.sem(logs)
    half = stats.t.ppf(0.975, len(logs) - 1) * error

    found = paired_ratio(baseline, candidate)

    assert found.ratio == pytest.approx(np.exp(mean))
    assert found.low == pytest.approx(np.exp(mean - half))
    assert found.high == pytest.approx(np.exp(mean + half))


@given(seconds=st.lists(SECONDS, min_size=2, max_size=20), factor=st.floats(0.5, 2.0))
def test_a_constant_factor_is_found_whatever_the_machine_did(seconds, factor):
    found = paired_ratio(seconds, [factor * value for value in seconds])

    assert found.ratio == pytest.approx(factor)
    assert found.low == pytest.approx(factor)
    assert found.high == pytest.approx(factor)


def test_one_pair_has_a_ratio_and_no_interval():
    found = paired_ratio([2.0], [3.0])

    assert found.ratio == pytest.approx(1.5)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("baseline", "candidate"), [([], []), ([1.0], [1.0, 2.0])])
def test_what_is_not_pairs_is_refused(baseline, candidate):
    with pytest.raises(ValueError, match=r"pairs|argument"):
        paired_ratio(baseline, candidate)


@pytest.fixture
def stepped():
    started = []

    def start(program):
        process = SteppedProcess([sys.executable, "-c", program], os.environ)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


def test_a_process_answers_step_by_step(stepped):
    process = stepped(
        "import json, sys\n"
        "for n, _ in enumerate(sys.stdin): print(json.dumps({'n': n}), flush=True)"
    )

    assert [process.step() for _ in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert process.finish() > 0


def test_the_cost_of_a_process_is_its_own(stepped):
    busy = stepped("import time\nwhile time.process_time() < 0.3: pass")
    idle = stepped("import time; time.sleep(0.3)")

    assert busy.finish() >= 0.3
    assert idle.finish() < 0.3


@pytest.mark.parametrize("way", ["step", "finish"])
def test_a_failure_says_what_the_process_said_last(stepped, way):
    process = stepped("raise SystemExit('the disk is full')")

    with pytest.raises(RbtraceError, match=r"left with 1: the disk is full"):
        getattr(process, way)()
