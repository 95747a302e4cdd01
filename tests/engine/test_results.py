"""Tracing changes nothing of what the engine computes."""

from __future__ import annotations

import pytest

KINDS = ("backtest", "sequential", "parallel")


@pytest.mark.parametrize("detail", ["summary", "calls"])
@pytest.mark.parametrize("kind", KINDS)
def test_results_are_those_of_an_untraced_run(engine_run, kind, detail):
    assert engine_run(kind, detail).outcome == engine_run(kind, "off").outcome


def test_an_untraced_run_writes_no_traces(engine_run):
    assert list(engine_run("backtest", "off").folder.iterdir()) == []


def test_workers_find_what_one_process_finds(engine_run):
    assert engine_run("parallel", "off").outcome == engine_run("sequential", "off").outcome
