"""Traces that Jaeger's page saves: its own JSON, in microseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.results import Results
from rbtrace.errors import InputError


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


def analyzed(tmp_path: Path, document: object, *, indent: int | None = None) -> Results:
    path = tmp_path / "traces-1f.json"
    path.write_text(json.dumps(document, indent=indent))
    return analyze_paths([path])


@pytest.mark.parametrize("document", [DOWNLOAD, TRACE, [TRACE]], ids=["download", "trace", "list"])
@pytest.mark.parametrize("indent", [None, 2])
def test_self_times(tmp_path: Path, document: object, indent: int | None) -> None:
    results = analyzed(tmp_path, document, indent=indent)
    # root: 50 µs − [110, 140] − [145, 147]; child: 20 µs − the 6 µs of its hot calls.
    assert {row.name: row.self_ns for row in results.operations} == {
        "root": 18_000, "child": 14_000, "after": 20_000, "old": 2_000, "hot": 6_000,
    }  # fmt: skip
    assert results.processes[0].process == "host/7"
    assert results.integrity.orphans == 0
    hot = next(row for row in results.operations if row.name == "hot")
    assert (hot.calls, hot.min_ns, hot.max_ns) == (3, 1_900, 2_000)


def test_a_parent_in_another_trace(tmp_path: Path) -> None:
    other = span("b1", "far", 110, 10, references=child_of("a1")) | {"traceID": "2f"}
    results = analyzed(
        tmp_path,
        {"data": [TRACE, {"traceID": "2f", "spans": [other], "processes": PROCESSES}]},
    )
    assert next(row for row in results.paths if row.path[-1] == "far").path == ["root", "far"]


@pytest.mark.parametrize(
    "broken",
    [
        {"startTime": "soon"},
        {"startTime": -5},
        {"duration": 2**63},
        {"spanID": ""},
        {"spanID": "xyz"},
        {"traceID": "g"},
        {"operationName": None},
        {"references": 5},
        {"tags": "none"},
    ],
    ids=repr,
)
def test_a_bad_span_among_good_ones(tmp_path: Path, broken: dict[str, Any]) -> None:
    bad = span("a9", "bad", 100, 1) | broken
    found = analyzed(tmp_path, {"data": [TRACE | {"spans": [*SPANS, bad]}]}).integrity
    assert (found.spans, found.invalid_lines) == (len(SPANS), 1)


def test_a_download_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(DOWNLOAD)[:-50])
    with pytest.raises(InputError, match=r"no readable span in .*1 truncated"):
        analyze_paths([path])
