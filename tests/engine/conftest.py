"""Runs of the real engine, each made once and shared by the tests that look at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.environment import uncovered
from tests.support.once import once

HERE = Path(__file__).parent
WORKLOAD = [sys.executable, str(HERE / "workload.py")]
RBTRACE = Path(sys.executable).with_name("rbtrace")
ARMS = ("off", "counted", "summary", "calls")
QUICK = {
    "test_a_hook_profiles_the_engine_and_changes_nothing[DataPortal]",
    "test_an_untraced_run_writes_no_traces",
    "test_calls_of_every_data_portal_method[backtest-summary]",
    "test_identical_arms_do_the_same_work",
    "test_results_are_those_of_an_untraced_run[backtest-summary]",
    "test_the_trace_is_complete[parallel-summary]",
}
"""A backtest, a parallel search, a profile and a comparison: all others are marked slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.engine)
            if item.name not in QUICK:
                item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class EngineRun:
    """One process that ran the workload: what it printed, and the folder it left things in."""

    result: dict[str, Any]
    folder: Path

    @property
    def seconds(self) -> float:
        """Duration of rustybt's call by the program's own clock."""
        return float(self.result["seconds"])

    @property
    def outcome(self) -> dict[str, Any]:
        """What the engine computed: all that was printed but the time."""
        return {key: value for key, value in self.result.items() if key != "seconds"}

    @cached_property
    def report(self) -> dict[str, Any]:
        """`rbtrace analyze --format json` of the traces."""
        traces = self.folder / "traces"
        assert traces.is_dir(), "the run was to be traced, but wrote no traces"
        return json.loads(run([str(RBTRACE), "analyze", str(traces), "--format", "json"]))

    def traced_calls(self) -> dict[str, int]:
        return {row["name"]: row["calls"] for row in self.report["operations"]}


def run(command: list[str], *, covered: bool = True, **variables: str) -> str:
    """Run a command untraced, unless `variables` say otherwise; return what it printed."""
    environ = os.environ if covered else uncovered()
    inherited = {k: v for k, v in environ.items() if not k.startswith(("RBTRACE_", "OTEL_"))}
    done = subprocess.run(
        command,
        env=inherited | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def engine_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """rustybt's data folder with the ingested bundles of the workload."""
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)

    def ingest(folder: Path) -> None:
        run([*WORKLOAD, "ingest", "--data", str(folder / "rustybt data")])

    return once(tmp_path_factory, "engine", ingest) / "rustybt data"


@pytest.fixture(scope="session")
def engine_run(
    engine_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], EngineRun]:
    """Run a kind of workload in an arm (`off`, `counted`, `summary`, `calls`), once."""

    @cache
    def run_once(kind: str, arm: str) -> EngineRun:
        assert arm in ARMS

        def make(made: Path) -> None:
            folder = made / "left"
            folder.mkdir()
            command = [*WORKLOAD, kind, "--data", str(engine_data)]
            if arm == "counted":
                command += ["--count", str(folder / "counts")]
            variables = {}
            if arm in {"summary", "calls"}:
                variables = {
                    "RBTRACE_ENABLED": "1",
                    "RBTRACE_DETAIL": arm,
                    "RBTRACE_DIR": str(folder / "traces"),
                }
            (made / "result.json").write_text(run(command, **variables), encoding="utf-8")

        made = once(tmp_path_factory, f"{kind}-{arm}", make)
        return EngineRun(json.loads((made / "result.json").read_text("utf-8")), made / "left")

    return run_once
