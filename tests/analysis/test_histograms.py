"""Quantiles from histograms against the raw durations, and from broken histograms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis.breakdowns import OperationTime
from tests.support.spans import SUMMARY, Span, evaluated


def bucket(duration: int) -> tuple[int, int]:
    """First and last duration of a bucket: same bit length, same next three bits."""
    shift = max(0, duration.bit_length() - 4)
    low = duration >> shift << shift
    return low, low + (1 << shift) - 1


def histogram(durations: list[int]) -> dict[str, Any]:
    edges = set()
    for duration in durations:
        low, high = bucket(duration)
        edges |= {low - 1, high}
    bounds = sorted(edge for edge in edges if edge >= 0)
    counts = [sum(duration <= bound for duration in durations) for bound in bounds]
    return {
        key.DURATION_MIN: min(durations),
        key.DURATION_MAX: max(durations),
        key.HISTOGRAM_BOUNDS: [bound / 1e9 for bound in bounds],
        key.HISTOGRAM_COUNTS: [*counts, len(durations)],
    }


def summarised(*parts: list[int], real: list[int] | None = None) -> OperationTime:
    spans = [
        Span(
            number,
            "hot",
            parent=99,
            kind=SUMMARY,
            calls=len(part),
            total=sum(part),
            self_ns=sum(part),
            attributes=histogram(part),
        )
        for number, part in enumerate(parts, 1)
    ]
    spans += [Span(50 + number, "hot", 10, 10 + ns) for number, ns in enumerate(real or [])]
    return evaluated(spans).operations[0]


def nearest_rank(durations: list[int], per_cent: int) -> int:
    return sorted(durations)[max(0, -(-len(durations) * per_cent // 100) - 1)]


_DURATIONS = st.lists(st.integers(0, 10**12) | st.integers(0, 500), min_size=1, max_size=60)


@settings(max_examples=200)
@given(_DURATIONS, _DURATIONS, st.lists(st.integers(0, 10**9), max_size=5))
def test_quantiles_are_within_six_per_cent(
    one: list[int], other: list[int], real: list[int]
) -> None:
    row = summarised(one, other, real=real)
    durations = [*one, *other, *real]
    found = {50: row.p50_ns, 95: row.p95_ns, 99: row.p99_ns}
    for per_cent, value in found.items():
        assert value == pytest.approx(nearest_rank(durations, per_cent), rel=0.06, abs=0.5)
    assert (row.min_ns, row.max_ns) == (min(durations), max(durations))
    assert row.calls == len(durations)
    assert row.quantile_method == "histogram"


@pytest.mark.parametrize(
    "broken",
    [
        {key.HISTOGRAM_BOUNDS: [0.1], key.HISTOGRAM_COUNTS: [1]},
        {key.HISTOGRAM_BOUNDS: [0.1], key.HISTOGRAM_COUNTS: ["x", 1]},
        {key.HISTOGRAM_BOUNDS: "no list", key.HISTOGRAM_COUNTS: 5},
        {key.HISTOGRAM_BOUNDS: [float("inf")], key.HISTOGRAM_COUNTS: [4, 4]},
        {key.HISTOGRAM_BOUNDS: [1e300, 2.0], key.HISTOGRAM_COUNTS: [9, 4, 4]},
    ],
)
def test_a_broken_histogram_leaves_the_mean(broken: dict[str, Any]) -> None:
    span = Span(1, "hot", kind=SUMMARY, calls=4, total=40, self_ns=40, attributes=broken)
    row = evaluated([span]).operations[0]
    assert (row.calls, row.total_ns, row.p50_ns) == (4, 40, 10)
