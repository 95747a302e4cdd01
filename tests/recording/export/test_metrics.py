"""Metrics of hot calls: exact buckets, the trace's calls, and only where they are asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.recording.export.exporters import metric_exporter_name
from rbtrace.recording.export.metrics import BOUNDS_S, Histogram, bucket_of
from rbtrace.recording.hot.tally import Durations

durations = st.lists(st.integers(0, 1 << 62), min_size=1, max_size=200)


def summary_of(found: Durations) -> dict[str, object]:
    bounds, counts = found.histogram()
    return {
        key.HISTOGRAM_BOUNDS: bounds,
        key.HISTOGRAM_COUNTS: counts,
        key.DURATION_MIN: found.shortest,
        key.DURATION_MAX: found.longest,
        key.DURATION_TOTAL: found.total,
    }


@given(st.lists(durations, min_size=1, max_size=5))
@settings(max_examples=1000)
def test_every_call_is_in_the_bucket_of_its_own_duration(batches):
    histogram = Histogram()
    for batch in batches:
        histogram.add(summary_of(Durations().plus(batch)))

    calls = [duration for batch in batches for duration in batch]
    expected = [0] * (len(BOUNDS_S) + 1)
    for duration in calls:
        expected[bucket_of(duration)] += 1
    assert histogram.buckets == expected
    assert histogram.calls == len(calls)
    assert (histogram.total, histogram.shortest, histogram.longest) == (
        sum(calls), min(calls), max(calls),
    )  # fmt: skip


@given(st.integers(0, 1 << 50))
@settings(max_examples=1000)
def test_a_bound_is_the_longest_duration_of_its_bucket(duration):
    seconds = [-1.0, *BOUNDS_S, float("inf")]
    place = bucket_of(duration)

    assert round(seconds[place] * 1e9 if place else -1) < duration
    assert place == len(BOUNDS_S) or duration <= round(BOUNDS_S[place] * 1e9)


@pytest.mark.parametrize(
    ("variables", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, None),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, None),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"}, "otlp_proto_grpc"),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
            "otlp_proto_grpc",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"},
            None,
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "otlp_proto_http",
        ),
    ],
)
def test_metrics_need_an_endpoint_for_metrics(variables, exporter):
    assert metric_exporter_name(variables) == exporter


def test_a_place_for_metrics_that_does_not_answer_is_said_once_and_costs_no_span(run_script):
    done = run_script(
        """
        import rbtrace

        @rbtrace.traced(hot=True)
        def hot(): pass

        for _ in range(3):
            with rbtrace.span("run"): hot()
        """,
        RBTRACE_ENABLED="1",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="http://127.0.0.1:9/v1/metrics",
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
    )

    assert len(done.spans) == 9
    (line,) = done.complaints.splitlines()
    assert "metrics stay behind the trace" in line
