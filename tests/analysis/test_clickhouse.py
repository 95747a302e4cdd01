"""Analysis inside ClickHouse, on the table of the collector's exporter: the same figures."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.results import evaluate
from rbtrace.errors import EXIT_GOOD, InputError
from tests.analysis.peculiar import FILTERS, PECULIAR
from tests.support.command import rbtrace
from tests.support.figures import figures
from tests.support.spans import Span, evaluated, lines, loaded, write
from tests.support.traces import forests

HERE = Path(__file__).parent


class Server:
    """A ClickHouse that holds the collector's table."""

    def __init__(self, port: int) -> None:
        self.url = f"clickhouse://127.0.0.1:{port}/default"
        self._http = f"http://127.0.0.1:{port}/?default_format=JSONEachRow"
        self.ask((HERE / "otel_traces.sql").read_text())

    def ask(self, statement: str) -> bytes:
        request = urllib.request.Request(self._http, statement.encode(), {"X-ClickHouse-Key": ""})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def holds(self, spans: Sequence[Span]) -> None:
        """Let the table hold these spans, as the exporter writes them."""
        self.ask("truncate table otel_traces")
        rows = "\n".join(json.dumps(exported(span)) for span in spans)
        self.ask(f"insert into otel_traces format JSONEachRow\n{rows}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("chdb", reason="no wheel of ClickHouse's engine for this platform")
    program = [sys.executable, str(HERE / "clickhouse_server.py")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()


def exported(span: Span) -> dict[str, Any]:
    """A row as `pushTraceData` of the exporter makes it."""
    links = span.links
    return {
        "Timestamp": timestamp(span.start),
        "TraceId": f"{span.trace:032x}",
        "SpanId": f"{span.id:016x}",
        "ParentSpanId": f"{span.parent:016x}" if span.parent else "",
        "SpanName": span.name,
        "SpanKind": "Internal",
        "ServiceName": span.all_resource().get(key.SERVICE_NAME, ""),
        "ResourceAttributes": as_texts(span.all_resource()),
        "SpanAttributes": as_texts(span.all_attributes()),
        "Duration": (span.end - span.start) % 2**64,
        "Links.TraceId": [link["traceId"].lower() for link in links],
        "Links.SpanId": [link["spanId"].lower() for link in links],
        "Links.TraceState": ["" for _ in links],
        "Links.Attributes": [
            {one["key"]: one["value"]["stringValue"] for one in link["attributes"]}
            for link in links
        ],
    }


def timestamp(ns: int) -> str:
    second, fraction = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}.{fraction:09d}"


def as_texts(values: dict[str, Any]) -> dict[str, str]:
    """Attributes as the collector's `Value.AsString` writes them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in values.items()
    }


@pytest.mark.slow
@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try takes a second or more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(spans=forests(), only=st.none() | st.sampled_from(FILTERS))
def test_the_same_as_in_memory(server: Server, spans: list[Span], only: str | None) -> None:
    server.holds(spans)
    in_clickhouse = analyze_paths([server.url], full=True, only=only)
    in_memory = evaluate(loaded(lines(spans)), full=True, only=only)
    assert figures(in_clickhouse) == figures(in_memory)


def test_histograms_links_and_runs(server: Server) -> None:
    server.holds(PECULIAR)
    whole = analyze_paths([server.url], full=True)
    assert figures(whole) == figures(evaluate(loaded(lines(PECULIAR)), full=True))
    assert whole.integrity.orphans == 0
    assert [(one.number, one.score) for one in whole.trials] == [(4, 0.1)]
    hot = next(row for row in whole.operations if row.name == "hot")
    assert (hot.calls, hot.quantile_method) == (8, "histogram")


@pytest.mark.slow
@pytest.mark.parametrize("only", FILTERS)
def test_filters_choose_the_same(server: Server, only: str) -> None:
    server.holds(PECULIAR)
    in_clickhouse = analyze_paths([server.url], only=only)
    assert figures(in_clickhouse) == figures(evaluate(loaded(lines(PECULIAR)), only=only))


def test_the_traces_of_one_run(server: Server) -> None:
    mine, foreign = {key.RUN_ID: "it's mine"}, {key.RUN_ID: "another"}
    spans = [
        Span(1, "root", 100, 200, resource=mine),
        Span(2, "of a library", 120, 130, 1),
        Span(3, "other", 100, 200, trace=2, resource=foreign),
    ]
    server.holds(spans)
    found = analyze_paths([f"{server.url}?run=it%27s%20mine"])
    assert figures(found) == figures(evaluated(spans[:2]))
    with pytest.raises(InputError, match=r"no spans of run nobody in `default`\.`otel_traces`"):
        analyze_paths([f"{server.url}?run=nobody"])


def test_what_began_lately(server: Server) -> None:
    now = time.time_ns()
    old = Span(1, "old", now - 3600 * 10**9, now, trace=2)
    new = Span(2, "new", now - 60 * 10**9, now)
    server.holds([old, new])
    assert figures(analyze_paths([f"{server.url}?lookback=30m"])) == figures(evaluated([new]))
    assert len(analyze_paths([f"{server.url}?lookback=2h"]).operations) == 2


def test_rows_without_ids_are_counted(server: Server) -> None:
    server.holds([Span(1, "root", 100, 200)])
    server.ask("insert into otel_traces (SpanName) values ('nobody')")
    found = analyze_paths([server.url])
    assert (found.integrity.spans, found.integrity.invalid_lines) == (1, 1)


def test_the_report_says_where_it_was_made(server: Server) -> None:
    server.holds([Span(1, "root", 100, 200)])
    said = rbtrace("analyze", server.url)
    assert said.returncode == EXIT_GOOD
    assert "Computed by ClickHouse at http://127.0.0.1:" in said.stdout


def test_attributes_as_json_are_refused(server: Server) -> None:
    server.ask("create table if not exists as_json (SpanAttributes JSON) order by tuple()")
    server.ask("insert into as_json format JSONEachRow\n" + '{"SpanAttributes": {"a": 1}}')
    with pytest.raises(InputError, match="attributes of type JSON"):
        analyze_paths([f"{server.url}?table=as_json"])


def test_what_the_server_refuses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"answers 500: Code: 60.*no_table"):
        analyze_paths([f"{server.url}?table=no_table"])
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "wrong")
    with pytest.raises(InputError, match="Authentication failed"):
        analyze_paths([server.url])


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("clickhouse://", "not a ClickHouse: write it as"),
        ("clickhouse://me:secret@host", "CLICKHOUSE_PASSWORD"),
        ("clickhouse://host?service=a", "service is not a parameter"),
        ("clickhouse://host:99999", "the port is no number"),
        ("clickhouse://host?lookback=2w", "write it as 30s, 15m, 2h or 7d"),
        ("clickhouse://127.0.0.1:1", "cannot ask ClickHouse at http://127.0.0.1:1"),
        ("clickhouses://127.0.0.1:1", "cannot ask ClickHouse at https://127.0.0.1:1"),
    ],
)
def test_urls_that_do_not_work(url: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        analyze_paths([url])
    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_clickhouse_stands_alone(tmp_path: Path) -> None:
    url = "clickhouse://127.0.0.1:1"
    source = write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 100, 200)])
    with pytest.raises(InputError, match="can be analyzed, and alone"):
        analyze_paths([url, source])
    assert "can be analyzed, and alone" in rbtrace("compare", url, url).stderr
