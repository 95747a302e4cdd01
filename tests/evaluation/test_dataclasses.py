"""The seven dataclasses: their fields, what they refuse, what they compute, their JSON."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rbtrace.errors import RbtraceError
from rbtrace.evaluation import (
    AlternativeSolution,
    BaselineImplementation,
    BenchmarkResult,
    BenchmarkResultSet,
    InvalidFieldError,
    OptimizationComponent,
    PerformanceReport,
    PerformanceThreshold,
    dumps,
    evaluate_threshold,
    loads,
    rank_components,
)
from rbtrace.evaluation.baselines.averages import ema, sma
from rbtrace.statistics import DocumentError, InvalidParameterError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RESULTS = tuple(
    BenchmarkResult.of("sma", 1 + n / 100, 0.8 + (n * 7 % 5) / 100, 1024) for n in range(10)
)
EVALUATION = evaluate_threshold(BenchmarkResultSet(RESULTS), PerformanceThreshold(Decimal(5)))

VALID = {
    PerformanceThreshold: (Decimal("5.0"), 0.95, 10),
    BenchmarkResult: ("sma", 1.5, 1.2, 20.0, 1024),
    BenchmarkResultSet: (RESULTS,),
    OptimizationComponent: ("sma", "vectorise it", 20, 3),
    BaselineImplementation: ("sma", sma, 0.5),
    PerformanceReport: (NOW, RESULTS, (EVALUATION,), {"sma": "ACCEPT"}),
    AlternativeSolution: ("sma", ema, 0.4, 20.0),
}
FIELDS = {
    PerformanceThreshold: "min_improvement_pct confidence_level num_runs",
    BenchmarkResult: "name baseline_time optimized_time improvement_pct memory_usage",
    BenchmarkResultSet: "results",
    OptimizationComponent: "name description expected_improvement implementation_effort",
    BaselineImplementation: "component_name baseline_function baseline_timing",
    PerformanceReport: "timestamp results threshold_evaluations accept_reject_decisions",
    AlternativeSolution: "component alternative_function timing improvement_pct",
}
NOT_NUMBERS = (None, "5", math.nan, math.inf, Decimal("NaN"), True, 1j)
NOT_POSITIVE = (*NOT_NUMBERS, 0, -1, Decimal(-1))
NOT_TEXTS = (None, "", "  ", 5)
WRONG = [
    (PerformanceThreshold, 0, (*NOT_POSITIVE, 101)),
    (PerformanceThreshold, 1, (*NOT_NUMBERS, 0, 1, -0.5, 95)),
    (PerformanceThreshold, 2, (None, 2, 0, 10.0, "10", True)),
    (BenchmarkResult, 0, NOT_TEXTS),
    (BenchmarkResult, 1, NOT_POSITIVE),
    (BenchmarkResult, 2, NOT_POSITIVE),
    (BenchmarkResult, 3, (*NOT_NUMBERS, 100.1)),
    (BenchmarkResult, 4, (*NOT_NUMBERS, -1)),
    (BenchmarkResultSet, 0, ((), None, 5, "results", (1,), (RESULTS[0], None))),
    (OptimizationComponent, 0, NOT_TEXTS),
    (OptimizationComponent, 1, NOT_TEXTS),
    (OptimizationComponent, 2, (*NOT_NUMBERS, -1, 101)),
    (OptimizationComponent, 3, NOT_POSITIVE),
    (BaselineImplementation, 0, NOT_TEXTS),
    (BaselineImplementation, 1, (None, "sma", 5)),
    (BaselineImplementation, 2, NOT_POSITIVE),
    (PerformanceReport, 0, (None, "yesterday", 5)),
    (PerformanceReport, 1, (None, (1,))),
    (PerformanceReport, 2, (None, (1,), "text")),
    (PerformanceReport, 3, (None, {"sma": "MAYBE"}, ["ACCEPT"])),
    (AlternativeSolution, 0, NOT_TEXTS),
    (AlternativeSolution, 1, (None, "ema")),
    (AlternativeSolution, 2, NOT_POSITIVE),
    (AlternativeSolution, 3, (*NOT_NUMBERS, 101)),
]
every_kind = pytest.mark.parametrize("kind", VALID, ids=lambda kind: kind.__name__)


@every_kind
def test_fields_and_their_order(kind):
    assert " ".join(field.name for field in fields(kind)) == FIELDS[kind]


@every_kind
def test_frozen(kind):
    value = kind(*VALID[kind])
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(kind)[0].name, None)


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [(kind, place, value) for kind, place, values in WRONG for value in values],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_invalid_fields(kind, place, value):
    arguments = list(VALID[kind])
    arguments[place] = value
    with pytest.raises(ValueError, match=rf"{kind.__name__}\.{fields(kind)[place].name}") as caught:
        kind(*arguments)
    assert isinstance(caught.value, RbtraceError)


@every_kind
def test_json_and_back(kind):
    value = kind(*VALID[kind])
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value))["version"] == 1


@given(
    st.text(min_size=1).filter(str.strip),
    st.one_of(st.floats(1e-9, 1e9), st.decimals("0.000001", 1000, allow_nan=False)),
    st.one_of(st.floats(1e-9, 1e9), st.integers(1, 10**9)),
    st.integers(0, 2**40),
)
@settings(max_examples=1000)
def test_results_survive_json(name, before, after, memory):
    value = BenchmarkResult.of(name, before, after, memory)
    assert loads(dumps(value)) == value
    assert float(value.speedup_ratio) == pytest.approx(float(before) / float(after))
    assert value.improvement_pct == pytest.approx(100 * (1 - float(after) / float(before)))


def test_defaults_of_a_threshold():
    found = PerformanceThreshold(Decimal("5.0"))
    assert (found.confidence_level, found.num_runs) == (0.95, 10)
    assert isinstance(PerformanceThreshold(5).min_improvement_pct, Decimal)
    assert PerformanceThreshold(0.1).min_improvement_pct == Decimal("0.1")


def test_decimal_times_have_a_decimal_ratio():
    found = BenchmarkResult("x", Decimal("1.5"), Decimal("1.2"), Decimal(20), 0)
    assert found.speedup_ratio == Decimal("1.25")
    assert BenchmarkResult("x", 1.5, Decimal("1.2"), 20, 0).speedup_ratio == 1.25


def test_set_describes_improvements():
    found = BenchmarkResultSet(list(RESULTS))
    values = [result.improvement_pct for result in RESULTS]
    assert found.results == RESULTS
    assert len(found) == 10
    assert found.mean() == pytest.approx(np.mean(values), rel=1e-12)
    assert found.std() == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert found.confidence_interval(0.9) == pytest.approx(tuple(expected), rel=1e-9)
    ratios = [1 - value / 100 for value in values]
    assert found.speedup_ratio == pytest.approx(1 / stats.gmean(ratios), rel=1e-12)


def test_one_result_has_no_spread():
    alone = BenchmarkResultSet(RESULTS[:1])
    for figure in (alone.std, alone.confidence_interval):
        with pytest.raises(InvalidFieldError, match="no standard deviation"):
            figure()
    with pytest.raises(InvalidParameterError):
        BenchmarkResultSet(RESULTS).confidence_interval(95)


@pytest.mark.parametrize("runs", [5, 10, 20, 30])
def test_interval_of_the_improvement_covers(runs):
    rng = np.random.default_rng(runs)
    after = rng.normal(0.9, 0.05, (2000, runs))
    hits = 0
    for row in after:
        found = BenchmarkResultSet([BenchmarkResult.of("x", 1, time) for time in row])
        low, high = found.confidence_interval()
        hits += low <= 10 <= high
    assert 0.93 <= hits / 2000 <= 0.97


def test_most_improvement_for_the_least_effort_first():
    slow = OptimizationComponent("slow", "d", 40, 10)
    quick = OptimizationComponent("quick", "d", Decimal(10), 1)
    same = OptimizationComponent("also quick", "d", 20, 2.0)
    assert rank_components([slow, quick, same]) == (same, quick, slow)
    assert quick.priority == 10


def test_timed_execution():
    baseline = BaselineImplementation.measured("sma", sma, [1.0, 2.0, 3.0], 2)
    assert baseline.baseline_timing > 0
    run = baseline.execute([1.0, 2.0, 3.0], length=3)
    assert run.result[2] == 2
    assert run.duration_ns > 0
    assert run.cpu_ns >= 0


def _slow(values, length):
    for _ in range(7):
        sma(values, length)
    return sma(values, length)


def test_alternatives_are_timed_in_turns():
    component = OptimizationComponent("sma", "d", 20, 3)
    baseline = BaselineImplementation("sma", _slow, 0.5)
    for named in (component, "sma"):
        alternative = AlternativeSolution(named, sma, 0.4, 20.0)
        assert alternative.component_name == "sma"
    found = alternative.compare(baseline, ([1.0] * 200, 10), pairs=5)
    assert found.paired
    assert found.ratio < 0.8
    with pytest.raises(InvalidFieldError, match="sma cannot be compared with a baseline of ema"):
        alternative.compare(BaselineImplementation("ema", ema, 1))


def test_report_in_markdown():
    report = PerformanceReport.of(RESULTS, [EVALUATION])
    text = report.to_markdown()
    assert "| sma | ACCEPT |" in text
    assert "ACCEPT (confirmed)" in text
    assert text.count("| sma |") == 2 + len(RESULTS)
    assert EVALUATION.reason.split(" (")[0] in text
    odd = PerformanceReport("2026-01-02T03:04:05+00:00", [], [], {"a|b\n": "REJECT"})
    assert odd.timestamp == NOW
    assert "Evaluations" not in odd.to_markdown()
    assert "| a\\|b� | REJECT |" in odd.to_markdown()


def test_functions_are_written_by_name_and_never_imported():
    for lost in (lambda: 0, [].append, sma.__call__):
        with pytest.raises(InvalidFieldError, match="cannot be written down"):
            dumps(BaselineImplementation("x", lost, 1))
    document = dumps(BaselineImplementation("x", sma, 1))
    for change, message in (
        ("antigravity:geohash", "import antigravity first"),
        ("math:nothing", "math has no function nothing"),
        ("math:pi", "math has no function pi"),
        ("", "is unknown"),
    ):
        with pytest.raises(DocumentError, match=message):
            loads(document.replace("rbtrace.evaluation.baselines.averages:sma", change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 cannot be read"),
        ({"format": "rbtrace.statistics"}, "no rbtrace.evaluation document"),
        ({"kind": "Comparison"}, "kind is 'Comparison'"),
        ({"value": {"name": "x"}}, "missing required field"),
    ],
)
def test_documents_that_cannot_be_read(change, message):
    document = json.loads(dumps(RESULTS[0])) | change
    with pytest.raises(DocumentError, match=message):
        loads(json.dumps(document))


def test_documents_are_validated_like_the_dataclasses():
    document = json.loads(dumps(RESULTS[0]))
    document["value"]["baseline_time"] = -1
    with pytest.raises(DocumentError, match=r"BenchmarkResult\.baseline_time must be above 0"):
        loads(json.dumps(document))
