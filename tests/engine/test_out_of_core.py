"""Traces of the real engine, analyzed in memory and out of core: the same to the nanosecond."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rbtrace.analysis import analyze
from rbtrace.analysis.analyze import analyze_paths
from tests.engine.conftest import EngineRun
from tests.support.figures import figures


@pytest.mark.parametrize("arm", ["summary", "calls"])
def test_a_real_trace(
    engine_run: Callable[[str, str], EngineRun],
    monkeypatch: pytest.MonkeyPatch,
    arm: str,
) -> None:
    traces = engine_run("parallel", arm).folder / "traces"
    in_memory = analyze_paths([traces], full=True)
    monkeypatch.setattr(analyze, "BYTES_PER_SPAN", 2 * analyze.LEAST_LIMIT)
    out_of_core = analyze_paths([traces], memory_limit=analyze.LEAST_LIMIT, full=True)
    assert in_memory.integrity.spans > 20
    assert in_memory.integrity.summaries > 0 or arm == "calls"
    assert out_of_core.computed
    assert figures(out_of_core) == figures(in_memory)
