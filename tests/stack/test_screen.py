"""What Jaeger's screen is given: few rows, readable attributes, errors in red."""

from __future__ import annotations

import json
import os
import socket

import pytest

from tests.stack.tools import ENGINE_WORKLOAD, trace

READABLE = (
    "aggregation.span_count",
    "aggregation.duration_avg_ns",
    "aggregation.duration_max_ns",
    "rbtrace.summary.p95_ns",
)
FAILS = """
import rbtrace

@rbtrace.traced(hot=True)
def hot(fails):
    if fails:
        raise ValueError("a secret")

with rbtrace.span("run"):
    hot(False)
    try:
        with rbtrace.span("step"):
            hot(True)
    except ValueError:
        pass
"""


def tags(span):
    return {row["key"]: row["value"] for row in span["tags"]}


@pytest.mark.engine
def test_a_backtest_of_ten_assets_and_a_year_is_under_sixty_rows(stack, engine_data, tmp_path):
    command = [str(ENGINE_WORKLOAD), "backtest", "--data", str(engine_data)]
    traced = trace(command, "year", tmp_path)
    stack.receive(traced, "year")

    (spans,) = stack.found("year")

    assert len(spans) == traced.counted < 60
    summaries = [span for span in spans if "aggregation.is_summary" in tags(span)]
    # One row for each operation at each place, and not one for each call.
    assert len({(s["operationName"], parent(s)) for s in summaries}) == len(summaries) > 10
    assert sum(tags(summary)["aggregation.span_count"] for summary in summaries) > 1000
    for summary in summaries:
        few = {key: tags(summary)[key] for key in READABLE}
        assert all(isinstance(value, int) and value > 0 for value in few.values()), few


def parent(span):
    return span["references"][0]["spanID"]


@pytest.mark.parametrize("params", ["0", "1"])
def test_an_error_is_red_and_its_message_is_recorded_if_allowed(stack, tmp_path, params):
    service = f"fails-{params}"
    script = tmp_path / "fails.py"
    script.write_text(FAILS, encoding="utf-8")
    traced = trace([str(script)], service, tmp_path / "out", RBTRACE_PARAMS=params)
    stack.receive(traced, service)

    (spans,) = stack.found(service, **{"error.type": "ValueError"})
    # Jaeger's store in memory compares the text "true" with a truth value. Once it finds errors by
    # this tag, docs/jaeger.md can say so.
    assert stack.found(service, error="true") == []

    red = {span["operationName"]: tags(span) for span in spans if tags(span).get("error") is True}
    assert "step" in red
    assert red["step"]["error.type"] == "ValueError"
    assert ("a secret" in json.dumps(spans)) is (params == "1")


def test_worker_and_host_are_on_the_screen(stack, small_program, tmp_path):
    traced = trace(small_program, "where", tmp_path / "out")
    stack.receive(traced, "where")

    asked = {"service": "where", "lookback": "1h"}
    (found,) = stack.ask_jaeger("/api/traces", asked)["data"]

    for process in found["processes"].values():
        where = {row["key"]: row["value"] for row in process["tags"]}
        assert where["host.name"] == socket.gethostname()
        assert int(where["process.pid"]) != os.getpid()
