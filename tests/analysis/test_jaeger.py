"""Traces that Jaeger's page saves: its own JSON, in microseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.results import Results
from rbtrace.errors import InputError
from tests.support.jaeger import DOWNLOAD, PROCESSES, SPANS, TRACE, child_of, span


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
