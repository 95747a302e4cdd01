"""Ray beside Pool: its arithmetic, and the whole study on real Ray and the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import msgspec
import pytest

from rbtrace.studies.batches import POOL, RAY, SEQUENTIAL, by_point, timed_batch
from rbtrace.studies.evaluations import ArrayTask, Evaluation
from rbtrace.studies.journal import Measured
from rbtrace.studies.measuring import memory_here, memory_of
from rbtrace.studies.ray_vs_pool.figures import (
    AGAIN,
    FIRST,
    KEPT,
    READY,
    STARTED,
    BatchesRun,
    time_per_task,
)
from rbtrace.studies.ray_vs_pool.findings import _worth
from rbtrace.studies.ray_vs_pool.workers import PoolWorkers
from tests.studies.made_up import measured
from tests.studies.meeting import Meets
from tests.studies.quick_run import Left, need, of_whole_studies

CLUSTER = Path(__file__).parent / "ray_cluster.py"


def batch(wall, *durations):
    return {
        "began_ns": 1000,
        "ended_ns": 1000 + wall,
        "sent_ns": [0] * len(durations),
        "received_ns": [0] * len(durations),
        "evaluated": [(place, 1, 0, lasted, 1, 0.5) for place, lasted in enumerate(durations)],
    }


def one_after_the_other(*durations):
    """A batch of one process."""
    ends = list(accumulate(durations))
    evaluated = [
        (place, 1, end - lasted, end, 1, 0.5)
        for place, (end, lasted) in enumerate(zip(ends, durations, strict=True))
    ]
    return batch(ends[-1], *durations) | {"evaluated": evaluated}


def case(way, workers, **found):
    return measured({"way": way, "workers": workers}, found)


def groups():
    alone = case(SEQUENTIAL, 1, batches={FIRST: one_after_the_other(400, *[100] * 9)})
    found = {
        way: case(
            way,
            2,
            batches={
                READY: batch(150, 100, 90),
                FIRST: batch(900, *[100] * 10),
                AGAIN: batch(again, *[100] * 10),
            },
            made_ns=made,
            closing_ns=30,
        )
        for way, made, again in ((POOL, 20, 500), (RAY, 5000, 400))
    }
    return by_point(map(BatchesRun.of, [alone, found[RAY], found[POOL]]))


def test_start_up_lasts_until_all_workers_work_and_is_not_their_sleep():
    (ray,) = groups()[RAY, 2]

    assert ray.startup_ns == 5000 + 150 - 100
    assert ray.started_for_it_ns == 5050 + 900 + 30
    assert time_per_task([ray], AGAIN) == 40


def test_speed_up_is_against_one_process():
    found = groups()

    assert list(found) == [(SEQUENTIAL, 1), (RAY, 2), (POOL, 2)]
    assert STARTED.speed_up(found, (RAY, 2)).ratio == pytest.approx(1300 / 5980)
    # Workers that are kept have done their first backtest, and so has what they are compared with.
    assert KEPT.speed_up(found, (RAY, 2)).ratio == pytest.approx(1000 / 400)


def test_how_many_backtests_ray_is_worth_its_start():
    found = groups()
    pool, ray, alone = found[POOL, 2], found[RAY, 2], found[SEQUENTIAL, 1]

    # 5580 ns more than the second batch, 300 ns more in one process, 60 ns saved by each backtest.
    assert "with Ray, 88 of these backtests" in _worth(2, pool, ray, alone)
    slow = [one._replace(measured=alone[0].measured) for one in ray]
    slow[0].measured.batches[AGAIN] = slow[0].measured.batches[READY] = slow[0].measured.batches[
        FIRST
    ]
    assert "no faster than one process" in _worth(2, pool, slow, alone)


@pytest.mark.filterwarnings("ignore:This process")
def test_a_pool_that_stays_does_every_batch_with_the_same_workers(tmp_path):
    workers = PoolWorkers(2)
    evaluation = Evaluation(Meets(tmp_path, 2))

    first = timed_batch(6, lambda log: workers.pipelined(evaluation, log))
    second = timed_batch(6, lambda log: workers.one_by_one(evaluation, log))
    third = timed_batch(6, lambda log: workers.with_argument(ArrayTask(), ARRAY, log))
    message = workers.message(evaluation)
    workers.close()

    processes = {one.process for one in first.evaluated}
    assert len(processes) == 2
    assert {one.process for one in [*second.evaluated, *third.evaluated]} <= processes
    ordered = second.evaluated
    assert all(a.ended_ns <= b.started_ns for a, b in pairwise(ordered))
    assert {one.score for one in third.evaluated} == {5.0}
    assert message["task_bytes"] > 0 < message["result_bytes"]


class Corners:
    """As much of an array as the task looks at; picklable without numpy."""

    def __getitem__(self, place):
        return 2.0 if place == (0, 0) else 3.0


ARRAY = Corners()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_of_processes_is_that_of_the_kernel():
    import os

    held = memory_of([os.getpid()])

    assert held.resident == pytest.approx(memory_here().resident, rel=0.05)
    assert 0 < held.proportional <= held.resident
    assert memory_of([2**30]) == (0, 0)


@of_whole_studies
def test_the_whole_study_on_real_ray_and_the_real_engine(quick):
    left = Left(quick / "ray-vs-pool")

    left.assert_complete(cases=3)
    assert "nan" not in left.report
    runs = {one["settings"]["way"]: one["found"] for one in left.runs}
    # Ray itself counts what came back.
    handed = {name: len(one["evaluated"]) for name, one in runs[RAY]["batches"].items()}
    assert runs[RAY]["finished"] == handed
    assert runs[RAY]["stored_bytes"] == pytest.approx(16 * runs[RAY]["array_bytes"], rel=0.01)
    assert runs[RAY]["threads"] == runs[POOL]["threads"] == [1]
    for one in (runs[RAY], runs[POOL]):
        # More than an interpreter, and less than the machine has.
        assert 50e6 < one["memory"]["after"]["workers_proportional"] < 8e9
        assert one["memory"]["after"]["workers_processes"] == 2
    scores = {
        tuple(row[-1] for row in one["batches"][name]["evaluated"])
        for one in runs.values()
        for name in one["batches"]
        if name in {FIRST, AGAIN, "evaluate_params_ray"}
    }
    assert len(scores) == 1, "the same backtests by whatever workers"
    rows = left.rows("Check: a clock in the workers")
    assert [[int(row[2]), int(row[3])] for row in rows] == [[18, 18], [18, 18]]
    assert all(0.99 < float(row[6]) < 1.5 for row in rows), rows
    assert BatchesRun.of(msgspec.convert(left.runs[-1], Measured)).startup_ns > 0


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_spans_from_every_node_of_a_cluster_arrive_at_the_collector(tmp_path):
    need("rustybt", "matplotlib", "aiohttp_cors")
    command = [sys.executable, str(CLUSTER), str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=880, check=False)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    names = Counter(name for name, _, _ in told["spans"])
    assert names["ray.run"] == 2
    assert names["ray.evaluate"] == 2 * 6
    assert len({run_id for _, _, run_id in told["spans"]}) == 1
    # Each node has one core, so two workers at once are one of each.
    workers = {process for name, process, _ in told["spans"] if name == "ray.evaluate"}
    again = told["found"]["batches"][AGAIN]["evaluated"]
    assert len(workers) == 2
    assert {row[1] for row in again} <= workers
    assert told["found"]["threads"] == [1]
