"""Apportioning, ancestors and unions on inputs that overflow naive code."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.analysis.ancestry import depths, greatest_above, nearest
from rbtrace.analysis.arrays import apportion, union_lengths
from tests.support.spans import Span, evaluated

_NS = st.integers(0, 10**15)


@given(st.lists(st.tuples(_NS, _NS, st.lists(_NS, min_size=1, max_size=5)), min_size=1, max_size=4))
def test_apportioning_is_the_largest_remainder_method(
    groups: list[tuple[int, int, list[int]]],
) -> None:
    amounts, kept, weights = zip(*groups, strict=True)
    first = np.cumsum([0, *(len(one) for one in weights[:-1])])
    flat = np.array([weight for one in weights for weight in one], np.int64)
    given_out = apportion(
        np.array(amounts, np.int64), np.array(kept, np.int64), flat, first
    ).tolist()
    for amount, own, members in groups:
        parts = [given_out.pop(0) for _ in members]
        whole = own + sum(members)
        if not whole:
            assert set(parts) == {0}
            continue
        exact = [Fraction(amount * weight, whole) for weight in (own, *members)]
        floors = [int(part) for part in exact]
        ranked = sorted(range(len(exact)), key=lambda at: floors[at] - exact[at])
        for place in ranked[: amount - sum(floors)]:
            floors[place] += 1
        assert parts == floors[1:]


def test_a_chain_of_a_hundred_thousand() -> None:
    size = 100_000
    parent = np.arange(-1, size - 1, dtype=np.int32)
    depth, on_cycle = depths(parent)
    assert depth[-1] == size - 1
    assert not on_cycle.size
    assert nearest(parent, np.arange(size) > 0)[-1] == 0
    assert greatest_above(parent, np.arange(size)[::-1].copy())[-1] == size - 1


def test_deep_recursion_end_to_end() -> None:
    depth = 20_000
    spans = [Span(at, "deep", at, 2 * depth - at, at - 1) for at in range(1, depth)]
    results = evaluated(spans)
    assert results.self_ns == results.wall_ns == 2 * depth - 2
    assert sum(piece.ns for piece in results.critical_path) == results.wall_ns
    assert sum(row.self_ns for row in results.paths) == results.self_ns
    assert results.paths[-1].path[-1] == "…"


def test_a_cycle_is_cut_at_its_earliest_span() -> None:
    results = evaluated([Span(1, "a", 30, 40, 3), Span(2, "b", 10, 50, 1), Span(3, "c", 20, 45, 2)])
    assert [row.path for row in results.paths] == [["b"], ["b", "c"], ["b", "c", "a"]]
    assert (results.integrity.cycles, results.integrity.orphans) == (1, 1)
    assert results.warnings == ["1 cycles of parent links that were cut"]


def test_unions_whose_time_lines_pass_64_bits_together() -> None:
    long = 2**61
    group = np.array([0, 1, 2, 2], np.int32)
    low = np.array([0, 5, 0, 10], np.int64)
    high = np.array([long, long, 20, long], np.int64)
    length = np.full(3, long)
    found = union_lengths(group, low, high, np.zeros(3, np.int64), length)
    assert found.tolist() == [long, long - 5, long]
