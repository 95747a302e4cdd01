"""Thresholds, and optimizations evaluated one after another."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rbtrace.evaluation import (
    BenchmarkResult,
    BenchmarkResultSet,
    InvalidFieldError,
    OptimizationComponent,
    PerformanceReport,
    PerformanceThreshold,
    dumps,
    evaluate_sequence,
    evaluate_threshold,
    loads,
)
from rbtrace.statistics import InvalidParameterError

THRESHOLD = PerformanceThreshold(Decimal(5))
NOISE = [0.00, 0.02, -0.01, 0.01, -0.02, 0.015, -0.015, 0.005, -0.005, 0.0]


def measured(ratio, noise=1.0, runs=10):
    return BenchmarkResultSet(
        [
            BenchmarkResult.of("x", 1 + n / 50, ratio * (1 + n / 50) * (1 + noise * NOISE[n]))
            for n in range(runs)
        ]
    )


def component(name, effort=1):
    return OptimizationComponent(name, "to be tried", 10, effort)


@pytest.mark.parametrize(
    ("results", "decision", "reason"),
    [
        (measured(0.8), "ACCEPT", "reaches 5 %"),
        (measured(1.0), "REJECT", "stays below 5 %"),
        (measured(0.96, noise=5), "INCONCLUSIVE", "may or may not reach 5 %"),
        (measured(0.5, runs=9), "INCONCLUSIVE", "9 pairs of runs; 10 are asked for"),
        (measured(0.5, noise=0), "INCONCLUSIVE", "no interval can be computed: zero_variance"),
    ],
)
def test_thresholds(results, decision, reason):
    found = evaluate_threshold(results, THRESHOLD)
    assert found.verdict.decision == decision
    assert reason in found.reason
    assert found.name == "x"
    assert loads(dumps(found)) == found


def test_three_runs_may_be_asked_for_and_still_decide_nothing():
    lenient = PerformanceThreshold(Decimal(5), num_runs=3)
    assert evaluate_threshold(measured(0.5, runs=4), lenient).verdict.decision == "INCONCLUSIVE"
    assert evaluate_threshold(measured(0.5, runs=5), lenient).verdict.decision == "ACCEPT"


def sequence(ratios, **options):
    """Evaluate components a, b, c, … whose measured ratios are given; note what was measured."""
    asked = []

    def measure(adopted, candidate):
        asked.append(("".join(one.name for one in adopted), candidate.name))
        return measured(ratios[candidate.name])

    components = [component(name, effort) for effort, name in enumerate(ratios, 1)]
    return evaluate_sequence(components[::-1], measure, THRESHOLD, **options), asked


def test_each_is_measured_upon_those_adopted_and_ratios_multiply():
    found, asked = sequence({"a": 0.8, "b": 1.0, "c": 0.9, "d": 0.93})
    assert asked == [("", "a"), ("a", "b"), ("a", "c"), ("ac", "d")]
    assert [one.name for one in found.accepted] == ["a", "c", "d"]
    assert found.ratio == pytest.approx(0.8 * 0.9 * 0.93, rel=0.001)
    assert found.improvement == pytest.approx(100 * (1 - found.ratio))
    assert found.speedup == pytest.approx(1 / found.ratio)
    assert found.stop_reason == "all evaluated"
    assert found.skipped == ()
    assert loads(dumps(found)) == found
    report = PerformanceReport.of_sequence([], found)
    assert report.accept_reject_decisions["b"] == "REJECT"
    assert loads(dumps(report)) == report


def test_it_ends_when_the_goal_is_reached():
    found, asked = sequence({"a": 0.7, "b": 0.8, "c": 0.9})
    assert found.stop_reason == "goal reached"
    assert len(asked) == 2
    assert [one.name for one in found.skipped] == ["c"]
    assert sequence({"a": 0.7, "b": 0.8, "c": 0.9}, goal_pct=Decimal(25))[0].skipped != ()


def test_percentages_are_not_added():
    """0.8 · 0.8 = 0.64: twice 20 % are 36 %, not 40 %."""
    assert sequence({"a": 0.8, "b": 0.8})[0].stop_reason == "all evaluated"


def test_it_ends_after_two_rejections_running():
    found, _ = sequence({"a": 1.0, "b": 0.9, "c": 1.0, "d": 1.1, "e": 0.5})
    assert found.stop_reason == "two rejections running"
    assert [one.name for one in found.skipped] == ["e"]
    assert sequence({"a": 1.0, "b": 1.0})[0].stop_reason == "all evaluated"


def test_undecided_ones_are_neither_adopted_nor_rejected():
    def measure(adopted, candidate):
        return measured(0.96, noise=5) if candidate.name == "b" else measured(1.0)

    components = [component(name, effort) for effort, name in enumerate("abcd", 1)]
    found = evaluate_sequence(components, measure, THRESHOLD)
    assert [step.decision for step in found.steps] == ["REJECT", "INCONCLUSIVE", "REJECT", "REJECT"]
    assert found.accepted == ()
    assert found.ratio == 1
    assert found.stop_reason == "all evaluated"


def test_what_gives_other_results_is_rejected_unmeasured():
    found, asked = sequence(
        {"a": 0.5, "b": 0.8}, check=lambda one: "no" if one.name == "a" else None
    )
    assert asked == [("", "b")]
    assert found.steps[0].reason == "its results differ: no"
    assert found.steps[0].evaluation is None
    assert found.ratio == pytest.approx(0.8, rel=0.01)
    assert PerformanceReport.of_sequence([], found).accept_reject_decisions["a"] == "REJECT"


def test_nothing_to_evaluate():
    found, _ = sequence({})
    assert (found.ratio, found.steps, found.stop_reason) == (1.0, (), "all evaluated")


def test_names_and_goals_that_are_none():
    with pytest.raises(InvalidFieldError, match="same name"):
        evaluate_sequence([component("a"), component("a")], None, THRESHOLD)
    with pytest.raises(InvalidParameterError, match="goal_pct"):
        evaluate_sequence([], None, THRESHOLD, goal_pct=Decimal(100))
