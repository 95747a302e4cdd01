from __future__ import annotations

import sys

import pytest

from rbtrace.comparison.bench.processes import CommandError
from tests.support.environment import uncovered
from tests.support.stepped_process import SteppedProcess


@pytest.fixture
def stepped():
    started = []

    def start(program):
        process = SteppedProcess([sys.executable, "-c", program], uncovered())
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
    busy = stepped("import time\nwhile time.process_time() < 1: pass")
    idle = stepped("import time; time.sleep(1)")

    assert busy.finish() >= 1 > idle.finish()


@pytest.mark.parametrize("way", ["step", "finish"])
def test_a_failure_says_what_the_process_said_last(stepped, way):
    process = stepped("raise SystemExit('the disk is full')")

    with pytest.raises(CommandError, match=r"left with 1: the disk is full"):
        getattr(process, way)()
