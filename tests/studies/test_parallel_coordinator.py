"""Parallel coordination: its arithmetic, dead workers, and the whole study on the real engine."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from statistics import median

import msgspec
import psutil
import pytest

from rbtrace.errors import EXIT_USAGE, RbtraceError
from rbtrace.studies.batches import PERSISTENT, POOL, SEQUENTIAL, SHORT_LIVED, run_batch
from rbtrace.studies.evaluations import Evaluation, TimedEvaluation
from rbtrace.studies.parallel_coordinator.costs import Costs, Work, predict, work_of
from rbtrace.studies.parallel_coordinator.figures import (
    PoolRun,
    TimedBatch,
    backtests,
    fastest,
    speed_up,
    time_ratio_to_fewer,
)
from tests.studies.killing import a_child_of
from tests.studies.made_up import measured
from tests.studies.meeting import Meets
from tests.studies.quick_run import Left, need, of_whole_studies
from tests.support.environment import uncovered
from tests.support.places import wait_for


def told(*tasks, began=0, ended=1000):
    """A batch of tasks, each (process, start, end)."""
    return {
        "began_ns": began,
        "ended_ns": ended,
        "sent_ns": [began] * len(tasks),
        "received_ns": [end for _, _, end in tasks],
        "evaluated": [(place, *task, 1, 0.5) for place, task in enumerate(tasks)],
        "making_ns": 10,
        "own_cpu_ns": 20,
        "children_cpu_ns": 30,
        "traffic": {},
    }


def run(way, workers, wall, *, do="backtests", traced=True):
    found = {"batches": [told((7, 100, wall), ended=wall), told((7, 100, wall), ended=wall)]}
    return PoolRun.of(measured({"do": do, "way": way, "workers": workers}, found, traced=traced))


def test_the_parts_of_a_batch():
    batch = msgspec.convert(
        told((1, 100, 200), (2, 140, 300), (1, 250, 400), began=50, ended=450), TimedBatch
    )

    assert list(batch.processes) == [1, 2]
    assert batch.durations == [100, 160, 150]
    assert batch.startup_ns == (50 + 90) / 2
    assert batch.gap_ns == 50
    assert batch.each_ns == (400 - 100) / 3
    assert batch.closing_ns == 50
    assert batch.wall_ns == 400


def test_speed_up_and_the_point_beyond_which_workers_cost_more():
    runs = [run(SEQUENTIAL, 1, 1000)]
    runs += [run(POOL, number, wall) for number, wall in ((1, 1100), (2, 600), (4, 500), (8, 650))]
    runs += [run(POOL, 4, 1, do="dispatch", traced=False), run(POOL, 4, 1, traced=False)]

    groups = backtests(runs)

    assert list(groups) == [(SEQUENTIAL, 1), (POOL, 1), (POOL, 2), (POOL, 4), (POOL, 8)]
    assert speed_up(groups[SEQUENTIAL, 1], groups[POOL, 4]).ratio == pytest.approx(2)
    assert fastest(groups, POOL) == 4
    assert time_ratio_to_fewer(groups, POOL, 1) is None
    assert time_ratio_to_fewer(groups, POOL, 8).ratio == pytest.approx(1.3)


NOTHING = Costs(1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("workers", "cores", "expected"),
    [
        (1, 1, 10 * 100 + 50),
        (2, 2, 5 * 100 + 50),
        (4, 4, 3 * 100 + 50),  # ten tasks are three rounds of four workers
        (4, 2, (10 * 100 + 4 * 50) / 2),  # four workers on two cores have all first tasks to pay
        (16, math.inf, 100 + 50),
    ],
)
def test_the_model_without_costs_is_work_divided_by_what_can_be_had(workers, cores, expected):
    assert predict(NOTHING._replace(workers=workers), Work(10, 100, 50), cores) == expected


def test_the_model_adds_costs_and_knows_that_one_process_hands_out_all_tasks():
    work = Work(10, 100, 0)

    assert predict(Costs(10, 7, 0, 5, 3), work, 16) == 7 + 105 + 3
    assert predict(Costs(10, 7, 50, 5, 3), work, 16) == 7 + 10 * 50 + 3


def test_the_work_is_what_one_process_took_for_it():
    one = run(SEQUENTIAL, 1, 1000)
    batch = msgspec.convert(told((1, 0, 500), (1, 500, 600), (1, 600, 700)), TimedBatch)

    assert work_of([one._replace(batches=[batch])]) == Work(3, 100, 400)
    assert Work(3, 100, 400).sequential_ns == 700


@pytest.fixture
def engine():
    need("rustybt")
    from rustybt.optimization import parallel_optimizer  # noqa: F401


@pytest.mark.engine
@pytest.mark.parametrize("way", [SEQUENTIAL, POOL, PERSISTENT, SHORT_LIVED])
@pytest.mark.filterwarnings("ignore")
def test_every_way_does_every_task_once_and_says_by_whom(engine, way, tmp_path):
    workers = 1 if way == SEQUENTIAL else 3
    batch = run_batch(way, 3, Evaluation(Meets(tmp_path, workers)), 9)

    assert [one.task for one in batch.evaluated] == list(range(9))
    assert [one.score for one in batch.evaluated] == list(range(9))
    processes = {one.process for one in batch.evaluated}
    assert processes == {os.getpid()} if way == SEQUENTIAL else len(processes) == 3
    assert os.getpid() not in processes or way == SEQUENTIAL
    for sent, received, one in zip(batch.sent_ns, batch.received_ns, batch.evaluated, strict=True):
        assert batch.began_ns <= sent <= one.started_ns < one.ended_ns <= received
        assert received <= batch.ended_ns
        assert one.ended_ns - one.started_ns >= 20e6


class Fails:
    def __call__(self, task):
        raise ValueError("no luck")


@pytest.mark.engine
@pytest.mark.parametrize("way", [POOL, PERSISTENT])
@pytest.mark.filterwarnings("ignore")
def test_a_task_that_fails_is_an_error(engine, way):
    # rustybt scores a failed task minus infinity and says nothing.
    with pytest.raises(RbtraceError, match="4 tasks failed"):
        run_batch(way, 2, Evaluation(Fails()), 4)


DEADLY = """
    import os, signal
    from rbtrace.studies.dead_workers import end_with_a_dead_worker
    from rbtrace.studies.evaluations import Evaluation
    from rbtrace.studies.batches import run_batch

    class Dies:
        def __call__(self, task):
            if task == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0.0

    end_with_a_dead_worker()
    run_batch({way!r}, 2, Evaluation(Dies()), 8)
"""


@pytest.mark.engine
@pytest.mark.parametrize("way", [POOL, PERSISTENT, SHORT_LIVED])
def test_a_worker_that_dies_is_one_line_and_no_hang(engine, run_script, way):
    found = run_script(DEADLY.format(way=way), expect=EXIT_USAGE, covered=False)

    last = found.complaints.strip().splitlines()[-1]
    assert re.fullmatch(
        r"worker \d+ was ended by SIGKILL, and its task with it: .+ without end", last
    )


def test_a_worker_that_dies_while_its_pool_closes_is_one_line(run_script):
    found = run_script(
        """
        import multiprocessing, os, signal
        from multiprocessing.util import Finalize
        from rbtrace.studies.dead_workers import end_with_a_dead_worker

        def die_at_the_end(_):
            Finalize(None, os.kill, (os.getpid(), signal.SIGKILL), exitpriority=0)

        end_with_a_dead_worker()
        with multiprocessing.Pool(1) as pool:
            pool.map(die_at_the_end, [1])
            pool.close()
            pool.join()
        with multiprocessing.Pool(1) as pool:
            pool.map(abs, [1])
        signal.pause()
        """,
        expect=EXIT_USAGE,
        covered=False,
    )
    assert re.fullmatch(r"worker \d+ was ended by SIGKILL.+\n", found.complaints)


def test_pools_that_end_their_workers_themselves_are_left_alone(run_script):
    found = run_script(
        """
        import multiprocessing
        from rbtrace.studies.dead_workers import end_with_a_dead_worker

        end_with_a_dead_worker()
        for _ in range(20):
            with multiprocessing.Pool(2, maxtasksperchild=1) as pool:
                pool.map(abs, range(4), chunksize=1)
        print("done")
        """,
        covered=False,
    )
    assert (found.printed, found.complaints) == ("done\n", "")


def test_what_workers_have_started_ends_with_the_case(run_script):
    found = run_script(
        """
        import multiprocessing, os, signal, subprocess
        from rbtrace.studies.dead_workers import end_with_a_dead_worker

        def leave_a_program(_):
            return subprocess.Popen(["sleep", "600"]).pid

        end_with_a_dead_worker()
        with multiprocessing.Pool(1) as pool:
            print(pool.apply(leave_a_program, (0,)), flush=True)
            pool.apply(signal.raise_signal, (signal.SIGKILL,))
        """,
        expect=EXIT_USAGE,
        covered=False,
    )
    with suppress(psutil.NoSuchProcess):
        left = psutil.Process(int(found.printed))
        # It has been killed, and ends when it gets a core.
        wait_for(lambda: left.status() == psutil.STATUS_ZOMBIE, "the program goes on")


@pytest.mark.engine
def test_a_case_whose_worker_is_killed_ends_with_one_line(tmp_path):
    need("rustybt")
    study = "rbtrace.studies.parallel_coordinator.plan"
    settings = {"do": "dispatch", "way": POOL, "workers": 2, "tasks": 10_000}
    command = [sys.executable, "-m", "rbtrace.studies.process", study]
    command += [json.dumps(settings), "--data", str(tmp_path), "--result", str(tmp_path / "found")]
    case = subprocess.Popen(
        command, env=uncovered(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        worker = a_child_of(psutil.Process(case.pid), "studies.process", alike=2)
        worker.send_signal(signal.SIGKILL)
        _, said = case.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(case.pid, signal.SIGKILL)

    assert case.returncode == EXIT_USAGE
    assert "SIGKILL, and its task with it" in said.splitlines()[-1]
    assert not (tmp_path / "found").exists()


@of_whole_studies
def test_the_whole_study_on_the_real_engine(quick):
    left = Left(quick / "parallel-coordinator")

    left.assert_complete(cases=5)
    assert "nan" not in left.report
    for one in left.runs:
        for batch in one["found"]["batches"]:
            evaluated = [TimedEvaluation(*row) for row in batch["evaluated"]]
            assert len(evaluated) == one["settings"]["tasks"]
            expected = 1 if one["settings"]["way"] == SEQUENTIAL else one["settings"]["workers"]
            assert len({row.process for row in evaluated}) <= expected
    # The same tasks give the same scores whoever does them.
    scores = {
        tuple(row[-1] for row in one["found"]["batches"][0]["evaluated"])
        for one in left.runs
        if one["settings"]["do"] == "backtests"
    }
    assert len(scores) == 1
    _check_agreement(left.rows("Check: getrusage of the workers"))
    assert "The time in which workers are busy is by the spans" in left.section("Findings")
    assert left.picture("scaling.svg").startswith("<svg")
    assert left.picture("utilisation-pool.svg").startswith("<svg")


def _check_agreement(rows):
    """Spans and the kernel measured the same work."""
    assert len(rows) == 2
    assert median(float(row[4]) for row in rows) > 0.99
    for row in rows:
        assert 0.99 < float(row[4]) < 1.5, row
        assert float(row[7]) == pytest.approx(1, abs=0.1), row
