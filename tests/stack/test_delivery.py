"""What the processes counted is what the collector writes, what Jaeger shows, and what is read."""

from __future__ import annotations

import json

import pytest

from tests.stack.tools import ENGINE_WORKLOAD, rbtrace, report, trace

TRIALS = 12


def sweep(engine_data, folder, service, **variables):
    command = [str(ENGINE_WORKLOAD), "parallel", "--data", str(engine_data)]
    done = trace(command, service, folder / "traces", **variables)
    assert json.loads(done.printed)["trials"] == TRIALS
    return done


@pytest.mark.engine
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_search_is_whole_in_collector_and_jaeger(stack, engine_data, tmp_path, protocol):
    service = f"search-{protocol.partition('/')[0]}"
    endpoint = stack.grpc if protocol == "grpc" else stack.http

    traced = sweep(
        engine_data, tmp_path, service,
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )  # fmt: skip
    stack.receive(traced, service)

    assert traced.counted == len(stack.in_files(service)) > 100
    assert stack.in_jaeger(service).keys() == stack.in_files(service).keys()
    assert_same(report(stack.jaeger_url(service)), report(received(stack, service, tmp_path)))


@pytest.mark.engine
def test_own_files_collector_files_and_jaeger_give_the_same_report(stack, engine_data, tmp_path):
    service = "kept-search"
    traced = sweep(engine_data, tmp_path, service, RBTRACE_ARM="candidate")
    own = traced.in_files(service)

    stack.receive(traced, service)

    assert traced.counted == own.total() == len(own)
    assert stack.in_files(service) == stack.in_jaeger(service) == own
    assert len(report(traced.folder)["trials"]) == TRIALS
    assert_searchable(stack, service)
    for source in (received(stack, service, tmp_path), stack.jaeger_url(service)):
        assert_same(report(source), report(traced.folder))


def assert_searchable(stack, service):
    """What a user searches by finds the sweep, and what does not apply finds nothing."""
    for tags in (
        {"rustybt.trial.number": "3"},
        {"rbtrace.arm": "candidate"},
        {"rbtrace.category": "data_access"},
    ):
        assert len(stack.found(service, **tags)) == 1, tags
    for tags in (
        {"rustybt.trial.number": str(TRIALS + 1)},
        {"rbtrace.arm": "baseline"},
        {"error.type": "ValueError"},
    ):
        assert stack.found(service, **tags) == [], tags


def received(stack, service, folder):
    """What the collector wrote of one service, as a file of its own."""
    path = folder / f"{service}.otlp.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for part in sorted((stack.folder / "traces").glob("*.jsonl")):
            lines = part.read_text(encoding="utf-8").splitlines(keepends=True)
            file.writelines(line for line in lines if f'"{service}"' in line)
    return path


def assert_same(found, expected):
    for key in ("spans", "summaries", "calls", "orphans", "clipped", "unfinished", "negative"):
        assert found["integrity"][key] == expected["integrity"][key], key
    del found["integrity"], expected["integrity"]
    assert found["operations"]
    assert found == expected


def test_one_run_of_a_service_is_read_back(stack, small_program, tmp_path):
    for number, run in enumerate(("run-a", "run-b")):
        traced = trace(small_program, "two-runs", tmp_path / run, RBTRACE_RUN_ID=run)
        stack.receive(traced, "two-runs", earlier=number * traced.counted)

    both = report(stack.jaeger_url("two-runs", lookback="1h"))
    one = report(stack.jaeger_url("two-runs", run="run-b"))

    assert [row["run_id"] for row in both["runs"]] == ["run-a", "run-b"]
    assert [row["run_id"] for row in one["runs"]] == ["run-b"]
    assert one["integrity"]["calls"] * 2 == both["integrity"]["calls"]


def test_full_windows_are_halved_until_nothing_is_missing(stack, tmp_path):
    script = tmp_path / "many.py"
    script.write_text(
        "import rbtrace, time\n"
        "for _ in range(25):\n"
        "    with rbtrace.span('alone'):\n"
        "        time.sleep(0.001)\n"
    )
    stack.receive(trace([str(script)], "many", tmp_path), "many")

    assert len(stack.in_jaeger("many")) == 25
    for most in ("2", "3", "25", "26"):
        found = report(stack.jaeger_url("many", num_traces=most))
        assert found["integrity"]["spans"] == 25
        assert found["integrity"]["duplicates"] == 0


def test_a_window_that_cannot_be_halved_is_an_error(stack, tmp_path):
    line = {"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "crowd"}}]},
        "scopeSpans": [{"spans": [
            {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "same",
             "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001"}
            for number in range(1, 6)
        ]}],
    }]}  # fmt: skip
    kept = tmp_path / "crowd.otlp.jsonl"
    kept.write_text(json.dumps(line) + "\n")
    rbtrace("replay", str(kept), "--endpoint", stack.http)
    stack.settle("crowd", 5)

    few = rbtrace("analyze", stack.jaeger_url("crowd", lookback="9999d", num_traces="5"), expect=2)
    enough = report(stack.jaeger_url("crowd", lookback="9999d", num_traces="6"))

    assert "ask with a larger num_traces" in few.stderr
    assert few.stderr.count("\n") == 1
    assert enough["integrity"]["spans"] == 5


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"service": "nobody"}, "has no service nobody; it has: "),
        ({"service": "known", "run": "other"}, "has no trace of run other of known"),
    ],
)
def test_what_jaeger_has_not_is_one_line(stack, small_program, tmp_path, parameters, says):
    stack.receive(trace(small_program, "known", tmp_path), "known")

    done = rbtrace("analyze", stack.jaeger_url(**parameters), expect=2)

    assert says in done.stderr
    assert done.stderr.count("\n") == 1
