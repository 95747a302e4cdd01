"""Stack samples of the real engine: a search on two workers, and the seed's four hooks."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from rbtrace.analysis.loading import load
from rbtrace.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.flamegraph.selecting import Selection, rows_of_samples
from rbtrace.flamegraph.sources import drawable
from tests.engine.conftest import WORKLOAD, run

UNCOVERED = ["env", "-u", "COVERAGE_PROCESS_CONFIG", "-u", "COVERAGE_PROCESS_START"]
"""Coverage's lock and a signal's handler can hang each other."""
HISTORY = "DataPortal.get_history_window"


@pytest.fixture(scope="module")
def sampled(engine_data, tmp_path_factory):
    """The folder of a sampled grid search on two workers."""
    folder = tmp_path_factory.mktemp("sampled")
    run(
        [*UNCOVERED, *WORKLOAD, "parallel", "--data", str(engine_data)],
        RBTRACE_ENABLED="1",
        RBTRACE_SAMPLER="signal",
        RBTRACE_DIR=str(folder),
    )
    return folder


def test_one_merged_profile_of_all_processes(sampled):
    profile = read_profiles(profile_files([sampled]), Faults())
    assert len(profile.processes) == 3
    assert len(set(profile.process.tolist())) == 3
    assert all(one.dropped == one.cut == 0 for one in profile.processes)


def test_the_graph_of_an_operation_holds_only_stacks_under_it(sampled):
    drawn = drawable([sampled], Selection(operation=HISTORY))
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
    spans = drawable([sampled], Selection(), spans_only=True).profile
    table = load([sampled]).table
    workers = {one for one in whole.processes if one.name != load_root(table)}
    assert len(workers) == 2
    for one in workers:
        code = whole.processes.index(one)
        inside = whole.weight[(whole.process == code) & (whole.span != 0)].sum()
        names = [process.name for process in spans.processes]
        traced = spans.weight[spans.process == names.index(one.name)].sum()
        assert inside == pytest.approx(traced, rel=0.1)


def load_root(table):
    """The process of the span that all else hangs under."""
    return table.process_of(int(np.argmax(table.real * table.duration)))


def test_trials_and_workers_are_told_apart(sampled):
    one = drawable([sampled], Selection(trial=0)).profile
    assert 0 < one.total_ns < drawable([sampled], Selection()).profile.total_ns
    assert len(set(one.process.tolist())) == 1
    worker = one.processes[int(one.process[0])].name
    alone = drawable([sampled], Selection(worker=worker)).profile
    assert one.total_ns < alone.total_ns


def test_the_slowest_of_aggregated_calls_are_part_of_all(sampled):
    all_calls = drawable([sampled], Selection(operation=HISTORY)).profile
    slowest = drawable([sampled], Selection(operation=HISTORY, slowest=True)).profile
    assert 0 < slowest.total_ns < all_calls.total_ns


HOOKS = """
import json, sys
from pathlib import Path
from rbtrace.sampling import ProfileContext, aggregate_profile_stats
from rbtrace.scenarios import engine, searches
from rbtrace.scenarios.market_data import TEN_ASSETS

engine.prepare(Path(sys.argv[1]), "rbtrace-goog", "rbtrace-ten-assets")
objective = searches.Objective("2005-01-03", "2005-03-31")
contexts = {}

def hook(name, function, *arguments):
    with ProfileContext(name) as contexts[name]:
        function(*arguments)

import pandas as pd
sessions = [str(day.date()) for day in pd.bdate_range("2005-01-03", "2007-06-29")]
hook("ParallelOptimizer", searches.parallel_grid_search, objective, 2)
hook("GridSearch", searches.grid_search, objective)
hook("WalkForward", searches.walk_forward, sessions)
hook("DataPortal", engine.run_backtest, engine.ten_assets_daily())
found = {
    name: sorted({function[2] for function in context.get_stats().stats})
    for name, context in contexts.items()
}
shares = aggregate_profile_stats(contexts.values())
percent = sum(one.percent for one in shares.functions)
print(json.dumps({"functions": found, "percent": str(percent)}))
"""

EXPECTED = {
    "ParallelOptimizer": "run",
    "GridSearch": "suggest",
    "WalkForward": "_process_window",
    "DataPortal": "get_history_window",
}


def test_the_four_hooks_of_the_seed_on_rustybt_as_it_is(engine_data, tmp_path):
    script = tmp_path / "hooks.py"
    script.write_text(HOOKS)
    printed = run(
        [*UNCOVERED, sys.executable, str(script), str(engine_data)],
        RBTRACE_ENABLED="1",
        RBTRACE_DIR=str(tmp_path / "traces"),
    )
    found = json.loads(printed.splitlines()[-1])
    for name, function in EXPECTED.items():
        assert function in found["functions"][name]
    assert float(found["percent"]) == 100
    table = load([tmp_path / "traces"]).table
    assert set(EXPECTED) <= set(table.names)
