"""A small trace as Jaeger's page saves it: its own JSON, in microseconds."""

from __future__ import annotations

from typing import Any

from rbtrace import conventions as key


def tag(name: str, value: Any, kind: str = "string") -> dict[str, Any]:
    return {"key": name, "type": kind, "value": value}


def span(identity: str, name: str, start: int, duration: int, **more: Any) -> dict[str, Any]:
    return {
        "traceID": "1f",
        "spanID": identity,
        "operationName": name,
        "references": [],
        "startTime": start,
        "duration": duration,
        "tags": [],
        "logs": [],
        "processID": "p1",
        "warnings": None,
        **more,
    }


def child_of(identity: str, kind: str = "CHILD_OF", trace: str = "1f") -> list[dict[str, str]]:
    return [{"refType": kind, "traceID": trace, "spanID": identity}]


SUMMARY = [
    tag(key.IS_SUMMARY, value=True, kind="bool"),
    tag(key.SPAN_COUNT, 3, "int64"),
    tag(key.DURATION_TOTAL, "6000", "int64"),
    tag(key.HISTOGRAM_BOUNDS, "[0.000001,0.000002]"),
    tag(key.HISTOGRAM_COUNTS, '["0","3","3"]'),
    tag(key.DURATION_MIN, 1_900, "int64"),
    tag(key.DURATION_MAX, 2_000, "int64"),
]
SPANS = [
    span("a1", "root", 100, 50, tags=[tag(key.CATEGORY, "search")]),
    span("a2", "child", 110, 20, references=child_of("a1")),
    span("a3", "after", 120, 20, references=child_of("a1", "FOLLOWS_FROM")),
    span("a4", "old", 145, 2, parentSpanID="a1"),
    span("a5", "hot", 100, 6, references=child_of("a2"), tags=SUMMARY),
]
PROCESSES = {
    "p1": {
        "serviceName": "rbtrace",
        "tags": [tag("host.name", "host"), tag("process.pid", 7, "int64")],
    }
}
TRACE = {"traceID": "1f", "spans": SPANS, "processes": PROCESSES, "warnings": None}
DOWNLOAD = {"data": [TRACE], "total": 0, "limit": 0, "offset": 0, "errors": None}
