"""Timeline, histograms and the distribution of trials."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis import detail
from rbtrace.analysis.results import Results, evaluate
from tests.support.spans import SUMMARY, Span, evaluated, lines, loaded


def full(spans: list[Span]) -> Results:
    return evaluate(loaded(lines(spans)), full=True)


def test_the_timeline_has_real_spans_in_order_of_start() -> None:
    spans = [
        Span(1, "root", 10, 90),
        Span(2, "late", 50, 60, 1),
        Span(3, "hot", parent=1, kind=SUMMARY, calls=2, total=5, self_ns=5),
        Span(4, "early", 20, 30, 1, process=8),
    ]
    assert [(one.name, one.start_ns, one.depth, one.process) for one in full(spans).timeline] == [
        ("root", 10, 0, "host/7"),
        ("early", 20, 1, "host/8"),
        ("late", 50, 1, "host/7"),
    ]
    assert evaluated(spans).timeline == []


def test_a_long_timeline_keeps_the_longest(monkeypatch) -> None:
    monkeypatch.setattr(detail, "LONGEST_TIMELINE", 2)
    spans = [Span(at, f"s{at}", 10, 10 + at) for at in range(1, 6)]
    assert {one.name for one in full(spans).timeline} == {"s4", "s5"}


@given(st.lists(st.integers(0, 2**61), min_size=1, max_size=30))
def test_every_duration_is_in_its_bucket(durations: list[int]) -> None:
    (found,) = full([Span(at, "a", 1, 1 + ns) for at, ns in enumerate(durations, 1)]).histograms
    assert sum(found.calls) == len(durations)
    assert found.upper_ns == sorted(set(found.upper_ns))
    for upper, calls in zip(found.upper_ns, found.calls, strict=True):
        width = max(1, 1 << max(0, upper.bit_length() - 4))
        assert sum(upper - width < ns <= upper for ns in durations) == calls


def test_calls_of_summaries_are_in_the_histogram() -> None:
    spans = [
        Span(1, "root", 10, 90),
        Span(3, "hot", parent=1, kind=SUMMARY, calls=4, total=40, self_ns=40),
    ]
    hot = next(one for one in full(spans).histograms if one.name == "hot")
    assert (hot.upper_ns, hot.calls) == ([10], [4])


def test_the_distribution_of_trials() -> None:
    spans = [
        Span(at, "trial", 100, 100 + at * 10, attributes={key.TRIAL_NUMBER: at})
        for at in range(1, 101)
    ]
    (found,) = evaluated(spans).trial_durations
    assert (found.trials, found.min_ns, found.max_ns, found.total_ns) == (100, 10, 1000, 50500)
    assert (found.p50_ns, found.p95_ns, found.p99_ns, found.mean_ns) == (500, 950, 990, 505)
