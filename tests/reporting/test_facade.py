"""`analyze` and the object it gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rbtrace.reporting.analysis import Analysis, analyze
from tests.support.spans import SUMMARY, Span, write

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "frames.md").read_text(encoding="utf-8")


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    start = 1_760_000_000_123_456_789
    return analyze(
        write(
            tmp_path / "a.otlp.jsonl",
            [
                Span(1, "sweep", start, start + 100, process=1),
                Span(2, "trial", start + 10, start + 60, 1, process=2),
                Span(3, "hot", parent=2, kind=SUMMARY, calls=4, total=20, self_ns=20, process=2),
            ],
        )
    )


def test_frames_have_the_columns_of_the_json_report(analysis: Analysis) -> None:
    document = json.loads(analysis.to_json())
    for name in ("operations", "paths", "workers", "critical_path"):
        frame = getattr(analysis, name)
        assert list(frame.columns) == list(document[name][0])
        assert len(frame) == len(document[name])
    assert analysis.operations.self_ns.tolist() == [50, 30, 20]
    assert str(analysis.operations.self_ns.dtype) == "int64"
    assert analysis.critical_path.root_start_ns[0] == 1_760_000_000_123_456_789


@pytest.mark.parametrize("frame", ["operations", "paths", "workers", "critical_path", "functions"])
def test_columns_and_dtypes_are_those_of_the_documentation(
    analysis: Analysis, frame: str, tmp_path: Path
) -> None:
    section = DOCUMENTED.partition(f"## {frame}\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section, re.MULTILINE)
    assert documented
    alone = analyze([write(tmp_path / "a", [Span(1, "a", 0, 0)])])
    for one in (analysis, alone):
        assert documented == [
            (name, str(kind)) for name, kind in getattr(one, frame).dtypes.items()
        ]


def test_what_is_not_known_is_missing(analysis: Analysis, tmp_path: Path) -> None:
    assert analysis.workers.cpu_ns.isna().all()
    alone = analyze([write(tmp_path / "a", [Span(1, "a", 0, 0)])])
    assert alone.workers.empty
    assert alone.operations.share.isna().all()


def test_reports(analysis: Analysis) -> None:
    assert analysis.integrity.spans == 3
    assert "| trial |" in analysis.to_markdown(threshold=1)
    assert analysis.to_html().startswith("<!doctype html>")
    assert "<html" not in analysis._repr_html_()
    assert "<table>" in analysis._repr_html_()
    assert repr(analysis) == "<Analysis of 3 spans, 3 operations>"
