"""Stack samples of the real engine: a search on two workers, told apart by span."""

from __future__ import annotations

import numpy as np
import pytest

from rbtrace.analysis.loading import load
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.profiling.flamegraph.selecting import Selection, rows_of_samples
from rbtrace.profiling.flamegraph.sources import read_flame_graph
from tests.engine.conftest import WORKLOAD, run
from tests.support.once import once

HISTORY = "DataPortal.get_history_window"


@pytest.fixture(scope="module")
def sampled(engine_data, tmp_path_factory):
    """The folder of a sampled grid search on two workers."""

    def make(folder):
        run(
            [*WORKLOAD, "parallel", "--data", str(engine_data)],
            covered=False,
            RBTRACE_ENABLED="1",
            RBTRACE_SAMPLER="signal",
            RBTRACE_DIR=str(folder),
        )

    return once(tmp_path_factory, "sampled", make)


def test_one_merged_profile_of_all_processes(sampled):
    profile = read_profiles(profile_files([sampled]), Faults())
    assert len(profile.processes) == 3
    assert len(set(profile.process.tolist())) == 3
    assert all(one.dropped == one.cut == 0 for one in profile.processes)


def test_the_graph_of_an_operation_holds_only_stacks_under_it(sampled):
    drawn = read_flame_graph([sampled], Selection(operation=HISTORY))
    assert {drawn.profile.path(stack)[0].name for stack, _, _ in drawn.profile.folded()} == {
        HISTORY
    }
    table = load([sampled]).table
    rows = rows_of_samples(drawn.profile, table)
    assert (rows >= 0).all()
    # Each lies, in time, in the real span that encloses its summary.
    enclosing = np.where(table.real[rows], rows, table.real_parent[rows])
    slack = 100_000_000  # a sample is taken at the first bytecode after its tick
    assert (drawn.profile.time >= table.start[enclosing]).all()
    assert (drawn.profile.time <= table.end[enclosing] + slack).all()


def test_samples_agree_with_the_self_time_of_spans(sampled):
    whole = read_profiles(profile_files([sampled]), Faults())
    spans = read_flame_graph([sampled], Selection(), spans_only=True).profile
    table = load([sampled]).table
    workers = {one for one in whole.processes if one.name != load_root(table)}
    assert len(workers) == 2
    for one in workers:
        code = whole.processes.index(one)
        inside = whole.weight[(whole.process == code) & (whole.span != 0)].sum()
        names = [process.name for process in spans.processes]
        traced = spans.weight[spans.process == names.index(one.name)].sum()
        assert inside == pytest.approx(traced, rel=0.2)  # a busy machine delays ticks


def load_root(table):
    """The process of the span that all else hangs under."""
    return table.process_of(int(np.argmax(table.real * table.duration)))


def test_trials_and_workers_are_told_apart(sampled):
    one = read_flame_graph([sampled], Selection(trial=0)).profile
    assert 0 < one.total_ns < read_flame_graph([sampled], Selection()).profile.total_ns
    assert len(set(one.process.tolist())) == 1
    worker = one.processes[int(one.process[0])].name
    alone = read_flame_graph([sampled], Selection(worker=worker)).profile
    assert one.total_ns < alone.total_ns


def test_the_slowest_of_aggregated_calls_are_part_of_all(sampled):
    all_calls = read_flame_graph([sampled], Selection(operation=HISTORY)).profile
    slowest = read_flame_graph([sampled], Selection(operation=HISTORY, slowest=True)).profile
    assert 0 < slowest.total_ns < all_calls.total_ns
