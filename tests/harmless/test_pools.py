"""Very many pools in a row, left in each way: none hangs, none leaves a process behind."""

from __future__ import annotations

import pytest

from tests.harmless.judging import judge
from tests.harmless.program import Program, worked
from tests.harmless.running import Job
from tests.support.interpreters import THIS

WAYS = ("with", "join", "terminate")
KINDS = ("untraced", "traced", "replaced", "initializer", "nested")
POOLS = 200
"""For each of `--times`: ten times are two thousand."""
TASKS, WORKERS = 4, 2
SECONDS_EACH = 3


def pools(kind: str, how: str, number: int) -> Program:
    """The program that makes so many pools of a kind."""
    tasks = {"main": 1} if kind == "untraced" else worked(TASKS * number, TASKS * number, main=1)
    return Program(
        "many_pools",
        "",
        # How many workers of a pool that is left come to their initializer is a matter of time.
        None if kind == "initializer" else tasks,
        (kind, how, str(number)),
        modes=("summaries",),
        processes=WORKERS * TASKS * number,
        longest_s=60 + SECONDS_EACH * number,
    )


def pytest_generate_tests(metafunc):
    if "job" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--pools") or POOLS * metafunc.config.getoption("--times")
        combinations = [(kind, how) for kind in KINDS for how in WAYS]
        each = -(-asked // len(combinations))
        jobs = [Job(pools(kind, how, each), THIS, 0) for kind, how in combinations]
        metafunc.parametrize("job", jobs, ids=lambda job: job.label)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_pool_hangs(job, finished, runs):
    judge(job, finished(job), runs)
