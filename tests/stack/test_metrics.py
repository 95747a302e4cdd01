"""A real Prometheus counts the calls that the trace has, those of short-lived workers too."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from collector.stack import Program
from tests.stack.tools import ROOT, Stack, free_addresses, report, trace, wait_until

METRIC = "rbtrace_calls_duration_seconds"
WORKERS = """
import multiprocessing, sys, time
# What a process that ends waits for is its own subject; here the metrics are to arrive.
from rbtrace.recording.export import writer, pipeline, sender
writer.DELIVERY_S = pipeline.DELIVERY_S = sender.SLOW_S = 60.0
import rbtrace

@rbtrace.traced(hot=True)
def quick():
    pass

@rbtrace.traced(hot=True)
def slow():
    quick()
    time.sleep(0.001)

def task(number):
    with rbtrace.span("task", number=number):
        for _ in range(10 * number):
            slow()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with rbtrace.span("run"):
        quick()
        # A worker for each task: none lives long.
        with context.Pool(2, maxtasksperchild=1) as pool:
            pool.map(task, range(1, 5), chunksize=1)
            pool.close()
            pool.join()
"""
CALLS = {"slow": 100, "quick": 101}
PROCESSES = 5


class Prometheus:
    """Queries of a running Prometheus."""

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, query: str) -> list[dict[str, object]]:
        text = urllib.parse.urlencode({"query": query})
        url = f"http://{self._address}/api/v1/query?{text}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, object]] = json.load(answer)["data"]["result"]
            return found

    def values(self, query: str, label: str) -> dict[str, float]:
        return {row["metric"][label]: float(row["value"][1]) for row in self.ask(query)}


@pytest.fixture(scope="module")
def prometheus(stack: Stack, prometheus_binary: str, tmp_path_factory) -> Iterator[Prometheus]:
    """Prometheus with the project's configuration, but for addresses and the interval."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load(
        (ROOT / "collector" / "prometheus.yml").read_text(encoding="utf-8")
    )
    configuration["global"]["scrape_interval"] = "1s"
    traces, collector = configuration["scrape_configs"]
    traces["static_configs"][0]["targets"] = [stack.address("COLLECTOR_PROMETHEUS")]
    port = stack.address("COLLECTOR_TELEMETRY_PORT")
    collector["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    (address,) = free_addresses("PROMETHEUS").values()
    program = Program(
        "Prometheus",
        [
            prometheus_binary,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        f"http://{address}/-/ready",
        {},
        folder / "log" / "prometheus.log",
    )
    try:
        program.start()
        yield Prometheus(address)
    finally:
        program.stop()


@pytest.mark.parametrize(
    ("protocol", "method"), [("grpc", "fork"), ("http/protobuf", "spawn")], ids=["grpc", "http"]
)
def test_prometheus_counts_what_the_trace_has(stack, prometheus, tmp_path, protocol, method):
    service = f"metrics-{protocol[:4]}"
    script = tmp_path / "workers.py"
    script.write_text(WORKERS, encoding="utf-8")
    traced = trace(
        [str(script), method], service, tmp_path / "out",
        OTEL_EXPORTER_OTLP_ENDPOINT=stack.grpc if protocol == "grpc" else stack.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_METRICS_EXPORTER="otlp",
    )  # fmt: skip
    stack.receive(traced, service)
    selected = f'{{job="{service}"}}'
    by_operation = f"sum by (rbtrace_operation) ({METRIC}_%s{selected})"

    wait_until(
        lambda: prometheus.values(by_operation % "count", "rbtrace_operation") == CALLS,
        f"{CALLS} in Prometheus, not {prometheus.ask(METRIC + '_count' + selected)}",
    )
    operations = {row["name"]: row for row in report(stack.jaeger_url(service))["operations"]}
    assert {name: operations[name]["calls"] for name in CALLS} == CALLS
    sums = prometheus.values(by_operation % "sum", "rbtrace_operation")
    for name in CALLS:
        assert sums[name] == pytest.approx(operations[name]["total_ns"] / 1e9, abs=1e-8)
    instances = prometheus.ask(f"count by (instance) ({METRIC}_count{selected})")
    assert len(instances) == PROCESSES
    # No call took longer than the greatest bucket; those of a millisecond are not among the quick.
    assert bucket(prometheus, service, "slow", "+Inf") == CALLS["slow"]
    assert bucket(prometheus, service, "slow", "0.000524287") == 0


def bucket(prometheus: Prometheus, service: str, operation: str, bound: str) -> float:
    labels = f'job="{service}", rbtrace_operation="{operation}", le="{bound}"'
    (row,) = prometheus.ask(f"sum({METRIC}_bucket{{{labels}}})")
    return float(row["value"][1])


def test_without_an_endpoint_for_metrics_there_are_none(stack, prometheus, small_program, tmp_path):
    service = "spans-alone"
    traced = trace(small_program, service, tmp_path / "out", OTEL_EXPORTER_OTLP_ENDPOINT=stack.grpc)
    stack.receive(traced, service)

    spans = f'sum(traces_span_metrics_calls_total{{service_name="{service}"}})'
    # The collector counts real spans itself: neither the summary nor its exemplars.
    wait_until(lambda: [row["value"][1] for row in prometheus.ask(spans)] == ["21"], "span metrics")
    assert prometheus.ask(f'{METRIC}_count{{job="{service}"}}') == []
