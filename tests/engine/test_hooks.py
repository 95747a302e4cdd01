"""`ProfileContext` at the four hooks of the engine, which stays as it is and finds the same."""

from __future__ import annotations

import json
import pstats
import sys

import pytest

from tests.engine.conftest import HERE, RBTRACE, run

PROGRAM = [sys.executable, str(HERE / "hooks.py")]
CALLS = {
    "ParallelOptimizer": {"parallel_optimizer.py:run": 1, "grid_search.py:suggest": 12},
    "GridSearch": {"optimizer.py:optimize": 1, "grid_search.py:suggest": 12},
    "WalkForward": {"walk_forward.py:run": 1},
    "DataPortal": {"data_portal.py:__init__": 1},
}
"""Hook → functions of the engine that its statistics must hold, and how often they were called."""


def calls(stats: pstats.Stats) -> dict[str, int]:
    found: dict[str, int] = {}
    for (file, _, name), figures in stats.stats.items():
        key = f"{file.rpartition('/')[2]}:{name}"
        found[key] = found.get(key, 0) + figures[1]
    return found


@pytest.mark.parametrize("hook", CALLS)
def test_a_hook_profiles_the_engine_and_changes_nothing(hook, engine_data, tmp_path):
    saved, traces = tmp_path / "hook.pstats", tmp_path / "traces"
    disabled = run([*PROGRAM, hook, str(engine_data)])
    profiled = run(
        [*PROGRAM, hook, str(engine_data), str(saved)],
        RBTRACE_ENABLED="1",
        RBTRACE_DIR=str(traces),
    )
    assert profiled == disabled
    found = calls(pstats.Stats(str(saved)))
    assert {name: found.get(name) for name in CALLS[hook]} == CALLS[hook]
    report = json.loads(run([str(RBTRACE), "analyze", str(traces), "--format", "json"]))
    assert [row["calls"] for row in report["operations"] if row["name"] == hook] == [1]
    if hook == "DataPortal":
        traced = {row["name"]: row["calls"] for row in report["operations"]}
        history = "get_history_window"
        assert found[f"data_portal.py:{history}"] == traced[f"DataPortal.{history}"] > 0
