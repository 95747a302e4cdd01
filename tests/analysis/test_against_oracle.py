"""Every analysis against the plain definitions, on traces of every shape."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace.analysis.results import Results, evaluate
from tests.analysis.oracle import Oracle
from tests.support.spans import Span, evaluated, lines, loaded
from tests.support.traces import traces


@settings(max_examples=1000)
@given(traces())
def test_every_analysis_agrees_with_the_definitions(spans: list[Span]) -> None:
    _agrees(spans)


@pytest.mark.slow
@settings(max_examples=5000)
@given(traces())
def test_every_analysis_agrees_on_thousands_of_forests(spans: list[Span]) -> None:
    _agrees(spans)


def _agrees(spans: list[Span]) -> None:
    results, oracle = evaluated(spans), Oracle(spans)
    _same_self_times(results, oracle)
    _same_integrity(results, oracle)
    assert oracle.by_path() == {tuple(row.path): (row.calls, row.self_ns) for row in results.paths}
    _same_critical_paths(results, oracle)
    _shares_add_to_one(results)


def _same_self_times(results: Results, oracle: Oracle) -> None:
    assert oracle.by_name() == {row.name: (row.calls, row.self_ns) for row in results.operations}
    assert results.self_ns == sum(oracle.self_ns(at) for at in oracle.spans)
    assert results.wall_ns == oracle.wall()


def _same_integrity(results: Results, oracle: Oracle) -> None:
    assert results.integrity.spans == len(oracle.spans)
    assert results.integrity.duplicates == oracle.duplicates
    assert results.integrity.orphans == oracle.orphans
    assert results.integrity.clipped == oracle.clipped()
    shifts = {f"host/{process}": shift for process, shift in oracle.shifts.items()}
    assert results.integrity.clock_shifts == shifts


def _same_critical_paths(results: Results, oracle: Oracle) -> None:
    """Roots of the same name and start are taken together: rows do not tell them apart."""
    found: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for piece in results.critical_path:
        found[piece.root, piece.root_start_ns][piece.name] += piece.ns
    expected: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    durations: dict[tuple[str, int], int] = defaultdict(int)
    for root, spent in oracle.critical_path().items():
        start, end = oracle.times[root]
        group = oracle.spans[root].name, start
        durations[group] += end - start
        for name, ns in spent.items():
            expected[group][name] += ns
    assert found == expected
    sums = {group: sum(spent.values()) for group, spent in found.items()}
    assert sums == {group: ns for group, ns in durations.items() if ns}


def _shares_add_to_one(results: Results) -> None:
    for rows in (results.operations, results.paths, results.categories, results.processes):
        shares = [row.share for row in rows]
        if results.self_ns:
            assert abs(sum(share for share in shares if share is not None) - 1) < 1e-9
        else:
            assert set(shares) <= {None}


@settings(max_examples=200)
@given(traces(), st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 3))
def test_order_and_split_change_nothing(
    spans: list[Span], shuffler: random.Random, per_line: int, files: int
) -> None:
    shuffled = spans.copy()
    shuffler.shuffle(shuffled)
    parts = [shuffled[at::files] for at in range(files)]
    scattered = evaluate(loaded(*(lines(part, per_line) for part in parts)))
    assert scattered == evaluated(spans)
