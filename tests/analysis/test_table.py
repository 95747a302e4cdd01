"""The table of spans: how much memory it takes, and how it is taken apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace.analysis.ancestry import NO_PARENT, family_ranges
from rbtrace.analysis.loading import load
from rbtrace.analysis.results import Results, evaluate
from tests.benchmarks.analyzing.writing import write, write_json
from tests.support.spans import EXEMPLAR, REAL, SUMMARY, Span, lines, loaded

BYTES_PER_SPAN = 50


def test_columns_take_at_most_fifty_bytes_per_span(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    spans = write(path, 20_000, write_json)
    table = load([path]).table
    assert table.size == spans
    assert table.nbytes <= BYTES_PER_SPAN * spans


def test_columns_with_summaries_take_at_most_fifty_bytes_per_span() -> None:
    spans = [
        Span(at, f"operation {at % 30}", 0, 9, 1, kind=(REAL, EXEMPLAR, SUMMARY)[at % 3])
        for at in range(1, 3_000)
    ]
    table = loaded(lines(spans)).table
    assert table.real_parent is not table.parent
    assert table.nbytes <= BYTES_PER_SPAN * table.size


@settings(max_examples=1000)
@given(st.lists(st.integers(-1, 30), min_size=1, max_size=30), st.integers(1, 10))
def test_families_are_whole_and_all_there(above: list[int], rows: int) -> None:
    parent = np.array([one if one < len(above) else NO_PARENT for one in above], np.int32)
    ranges = list(family_ranges(parent, rows))
    assert [first for first, _ in ranges] == [0, *(last for _, last in ranges[:-1])]
    assert ranges[-1][1] == parent.size
    assert all(last - first >= rows for first, last in ranges[:-1])
    for first, last in ranges:
        inside = parent[first:last]
        assert np.all((inside == NO_PARENT) | ((first <= inside) & (inside < last)))


def trial(number: int) -> list[Span]:
    base, start = 10 * number, 1_000 * number
    return [
        Span(base + 1, "trial", start, start + 500, trace=number + 1),
        Span(base + 2, "a", start + 10, start + 200, base + 1, trace=number + 1),
        Span(base + 3, "b", start + 100, start + 450, base + 1, trace=number + 1, process=8),
        Span(base + 4, "hot", 0, 0, base + 2, trace=number + 1, kind=SUMMARY, total=50, self_ns=50),
    ]


@pytest.mark.parametrize("rows", [1, 5, 8])
def test_parts_of_any_size_give_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = lines([span for number in range(6) for span in trial(number)])

    def analyzed() -> Results:
        return evaluate(loaded(content))

    whole = analyzed()
    monkeypatch.setattr("rbtrace.analysis.table._ROWS_AT_A_TIME", rows)
    monkeypatch.setattr("rbtrace.analysis.assembly._ROWS_AT_A_TIME", rows)
    assert len(list(loaded(content).table.families())) > 1
    assert analyzed() == whole
