"""The calls in the report are the calls that were made, by counters that know nothing of it."""

from __future__ import annotations

import pytest

from tests.engine import counters

KINDS = ("backtest", "sequential", "parallel")


@pytest.mark.parametrize("detail", ["summary", "calls"])
@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_every_data_portal_method(engine_run, kind, detail):
    expected = counters.read(engine_run(kind, "counted").folder / "counts")

    traced = engine_run(kind, detail).traced_calls()

    assert {m: traced.get(f"DataPortal.{m}", 0) for m in counters.METHODS} == expected


@pytest.mark.parametrize("detail", ["summary", "calls"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_trace_is_complete(engine_run, kind, detail):
    integrity = engine_run(kind, detail).report["integrity"]

    assert integrity["complete"] is True
    assert integrity["duplicates"] == integrity["orphans"] == integrity["unfinished"] == 0


def test_the_counters_saw_the_calls_of_both_workers(engine_run):
    folder = engine_run("parallel", "counted").folder / "counts"
    one_process = engine_run("sequential", "counted").folder / "counts"

    assert len(counters.processes(folder)) == 2
    assert counters.read(folder) == counters.read(one_process)
    assert counters.read(folder)["get_history_window"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_lasts_as_long_as_an_independent_clock_says(engine_run, kind):
    run = engine_run(kind, "summary")
    roots = [row for row in run.report["paths"] if len(row["path"]) == 1]

    assert len(roots) == 1
    assert roots[0]["total_ns"] / 1e9 == pytest.approx(run.seconds, rel=0.01)
