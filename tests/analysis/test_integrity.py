"""Completeness: the processes' own counts against what was read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.integrity import Integrity
from rbtrace.errors import InputError
from rbtrace.files.liveness import this_process
from rbtrace.reporting.analysis import describe_integrity
from tests.support.spans import EXEMPLAR, SUMMARY, Span, lines, write, write_tally

HOT = Span(2, "hot", parent=1, kind=SUMMARY, calls=50, total=30, self_ns=30)
SLOWEST = Span(3, "hot", 20, 25, parent=2, kind=EXEMPLAR)
ROOT = Span(1, "root", 10, 110)
SPANS = [ROOT, HOT, SLOWEST]


@pytest.fixture
def spans_path(tmp_path: Path) -> Path:
    return write(tmp_path / "host-7-0.otlp.jsonl", SPANS)


def found(path: Path) -> Integrity:
    return analyze_paths([path]).integrity


def test_without_counts_completeness_is_unknown(spans_path: Path) -> None:
    integrity = found(spans_path)
    assert integrity.complete is None
    assert integrity.expected_spans is None
    assert (integrity.spans, integrity.summaries, integrity.calls) == (3, 1, 50)


@pytest.mark.parametrize("by_folder", [True, False])
def test_complete(spans_path: Path, by_folder: bool) -> None:
    write_tally(spans_path, ended=3, exported=3)
    integrity = found(spans_path.parent if by_folder else spans_path)
    assert integrity.complete is True
    assert integrity.expected_spans == 3


def test_missing_and_dropped(spans_path: Path) -> None:
    write_tally(spans_path, ended=10, exported=8, dropped=2)
    integrity = found(spans_path)
    assert integrity.complete is False
    assert (integrity.expected_spans, integrity.missing_spans) == (10, 7)
    assert integrity.dropped_spans == 2


def test_the_counts_on_roots_count_too(tmp_path: Path) -> None:
    def root(identity: int, ended: int) -> Span:
        return Span(identity, "root", 0, 10, attributes={key.SPANS_ENDED: ended})

    path = write(tmp_path / "host-7-0.otlp.jsonl", [root(1, 1), root(2, 2)])
    assert found(path).complete is True
    write_tally(path, ended=1)  # an older count than the roots'
    assert found(path).expected_spans == 2
    write(path, [root(1, 1), root(2, 3)])
    assert found(path).complete is False


def test_a_process_whose_spans_are_all_gone(spans_path: Path) -> None:
    write_tally(spans_path, ended=3)
    write_tally(spans_path.with_name("host-8-0.otlp.jsonl"), pid=8, ended=4)
    integrity = found(spans_path.parent)
    assert integrity.complete is False
    assert (integrity.expected_spans, integrity.missing_spans) == (7, 4)


def test_more_than_was_counted_is_not_complete_either(spans_path: Path) -> None:
    write_tally(spans_path, ended=2)
    integrity = found(spans_path)
    assert (integrity.complete, integrity.missing_spans) == (False, 0)


def test_a_broken_line_is_not_complete(spans_path: Path) -> None:
    write_tally(spans_path, ended=3)
    with spans_path.open("ab") as file:
        file.write(b'{"resourceSpans":[{"sco')
    assert (found(spans_path).complete, found(spans_path).truncated_lines) == (False, 1)


def open_spans() -> list[Span]:
    hot = Span(12, "hot", parent=11, kind=SUMMARY, calls=4, total=9, self_ns=9)
    hot.attributes = {key.LAST_END_NS: 160}
    return [Span(11, "stuck", 120, 0), hot]


def test_the_open_spans_of_a_dead_process_are_adopted(spans_path: Path) -> None:
    write_tally(spans_path, ended=3, started="long ago")
    spans_path.with_name("host-7-0.open").write_bytes(lines(open_spans()))
    results = analyze_paths([spans_path])
    integrity = results.integrity
    assert (integrity.complete, integrity.unfinished, integrity.unclean) == (False, 1, 1)
    assert (integrity.spans, integrity.calls, integrity.missing_spans) == (5, 54, 0)
    assert {row.name: row.self_ns for row in results.operations} == {
        "root": 70, "hot": 39, "stuck": 31,
    }  # fmt: skip


def test_a_span_that_ended_after_all_is_not_unfinished(spans_path: Path) -> None:
    write_tally(spans_path, ended=3)
    spans_path.with_name("host-7-0.open").write_bytes(lines([Span(1, "root", 10, 0)]))
    integrity = found(spans_path)
    assert (integrity.unfinished, integrity.duplicates, integrity.unclean) == (0, 1, 1)


def test_an_empty_open_file_tells_of_a_death(spans_path: Path) -> None:
    write_tally(spans_path, ended=3)
    spans_path.with_name("host-7-0.open").touch()
    assert (found(spans_path).complete, found(spans_path).unclean) == (False, 1)


def test_a_process_that_died_before_its_first_span_ended(tmp_path: Path) -> None:
    (tmp_path / "host-7-0.open").write_bytes(lines(open_spans()))
    integrity = found(tmp_path)
    assert (integrity.spans, integrity.unfinished, integrity.complete) == (2, 1, None)


def living() -> dict[str, Any]:
    host, pid, started = this_process()
    return {"host": host, "pid": pid, "started": started}


def test_the_open_spans_of_a_living_process_are_left_to_it(spans_path: Path) -> None:
    write_tally(spans_path, ended=3, **living())
    spans_path.with_name("host-7-0.open").write_bytes(lines(open_spans()))
    results = analyze_paths([spans_path])
    assert results.integrity.spans == 3
    assert results.integrity.unfinished == 0
    assert results.integrity.running == [f"{living()['host']}/{os.getpid()}"]
    assert results.warnings == [
        "1 processes that are still running: figures are of what they wrote"
    ]


def test_nothing_yet(tmp_path: Path) -> None:
    path = tmp_path / "host-7-0.otlp.jsonl"
    write_tally(path, ended=0, **living())
    path.with_name("host-7-0.open").touch()
    with pytest.raises(InputError, match=r"no spans in .* yet: .* still running"):
        analyze_paths([tmp_path])


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "x"}'])
def test_a_broken_tally_is_ignored(spans_path: Path, content: str) -> None:
    spans_path.with_name("host-7-0.tally").write_text(content)
    results = analyze_paths([spans_path])
    assert results.integrity.complete is None
    assert results.warnings == [
        f"{spans_path.with_name('host-7-0.tally')} is not a tally and was ignored"
    ]


def test_processes_that_fall_short_or_died_are_named(tmp_path):
    write(tmp_path / "other-7-0.otlp.jsonl", SPANS)
    for number, (ended, died) in enumerate([(3, False), (5, True), (1, False)]):
        stem = tmp_path / f"host-{number}-0"
        stem.with_name(stem.name + ".otlp.jsonl").touch()
        tally = {"host": "host", "pid": number, "instance": str(number), "ended": ended}
        tally |= {"exported": ended, "delivered": number}
        stem.with_name(stem.name + ".tally").write_text(json.dumps(tally))
        if died:
            stem.with_name(stem.name + ".open").touch()
    integrity = analyze_paths([tmp_path]).integrity
    assert integrity.missing == {"host/1": 5, "host/0": 3, "host/2": 1}
    assert integrity.died == ["host/1"]
    assert integrity.delivered_spans == 0 + 1 + 1
    said = " ".join(describe_integrity(integrity))
    assert "missing of host/1 (5), host/0 (3), host/2 (1)." in said
    assert "Died without closing their files: host/1." in said
    assert "Taken by a collector: 2 of the missing spans" in said
