"""Verdicts and gates: the rules at their edges, and for several questions at once."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.statistics import (
    InvalidParameterError,
    Verdict,
    benjamini_hochberg,
    compare_runs,
    decide,
    equivalence,
    gate,
    holm,
    required_runs,
)
from tests.statistics.strategies import arms, thousand

RUNS = [100.0, 101, 99, 100.5, 99.5, 102]
FOUND = compare_runs(RUNS, RUNS[::-1])


def with_figures(ratio, low, high, p):
    return replace(FOUND, ratio=ratio, ci=(low, high), p_value=p)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "p", "decision", "confirmed"),
    [
        (0.90, 0.86, 0.94, 0.001, "ACCEPT", True),
        (0.90, 0.86, 0.95, 0.001, "ACCEPT", True),
        (0.94, 0.89, 0.99, 0.04, "ACCEPT", False),
        (0.95, 0.91, 0.99, 0.04, "ACCEPT", False),
        (0.95 + 1e-15, 0.91, 0.99, 0.04, "ACCEPT", False),
        (0.951, 0.91, 0.99, 0.04, "INCONCLUSIVE", False),
        (0.90, 0.80, 1.01, 0.06, "INCONCLUSIVE", False),
        (0.90, 0.80, 1.00, 0.05, "INCONCLUSIVE", False),
        (0.98, 0.96, 0.999, 0.04, "REJECT", False),
        (0.98, 0.95, 0.999, 0.04, "INCONCLUSIVE", False),
        (1.20, 1.10, 1.30, 0.001, "REJECT", False),
        (1.00, 0.90, 1.10, 1.0, "INCONCLUSIVE", False),
    ],
)
def test_verdicts(ratio, low, high, p, decision, confirmed):
    assert decide(with_figures(ratio, low, high, p), 5) == Verdict(decision, confirmed)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "p", "expected"),
    [
        (1.20, 1.10, 1.30, 0.001, "FAIL"),
        (1.11, 1.01, 1.21, 0.04, "FAIL"),
        (1.10, 1.02, 1.18, 0.01, "INCONCLUSIVE"),
        (1.20, 0.99, 1.50, 0.06, "INCONCLUSIVE"),
        (1.05, 1.00, 1.10, 0.05, "PASS"),
        (1.05, 1.00, 1.11, 0.05, "INCONCLUSIVE"),
        (0.80, 0.70, 0.90, 0.001, "PASS"),
    ],
)
def test_gates(ratio, low, high, p, expected):
    assert gate(with_figures(ratio, low, high, p), 10) == expected


@pytest.mark.parametrize("threshold", [5, 5.0, Decimal(5), Decimal("5.00")])
def test_thresholds_may_be_numbers_of_any_kind(threshold):
    assert decide(with_figures(0.9, 0.86, 0.94, 0.001), threshold).confirmed
    assert gate(with_figures(0.9, 0.86, 0.94, 0.001), threshold) == "PASS"


@pytest.mark.parametrize("threshold", [-1, 100, math.nan, math.inf, "5", None, True])
def test_invalid_thresholds(threshold):
    with pytest.raises(InvalidParameterError, match="threshold"):
        decide(FOUND, threshold)


@pytest.mark.parametrize("limit", [-0.1, math.nan, math.inf, "10", None])
def test_invalid_limits(limit):
    with pytest.raises(InvalidParameterError, match="max_regression"):
        gate(FOUND, limit)


def test_the_adjusted_p_decides_where_it_is_given():
    found = with_figures(0.9, 0.86, 0.94, 0.01)
    assert decide(found, 5, p_value=0.2).decision == "INCONCLUSIVE"
    assert decide(found, 5, p_value=0.049).decision == "ACCEPT"
    slower = with_figures(1.2, 1.1, 1.3, 0.01)
    assert gate(slower, 10, p_value=0.2) == "INCONCLUSIVE"
    assert gate(slower, 10, p_value=1.0) == "INCONCLUSIVE"
    with pytest.raises(InvalidParameterError, match="p_value must be from 0 to 1"):
        decide(found, 5, p_value=1.1)


def test_the_confidence_sets_what_is_significant():
    strict = replace(with_figures(0.9, 0.82, 0.98, 0.01), confidence=0.9995)
    assert strict.alpha == pytest.approx(0.0005, rel=1e-9)
    assert decide(strict, 5).decision == "INCONCLUSIVE"


@pytest.mark.slow
@thousand
@given(arms(), st.floats(0, 99), st.floats(0, 99))
def test_decisions_never_contradict_each_other(found, threshold, limit):
    baseline, candidate, paired = found
    comparison = compare_runs(baseline, candidate, paired=paired)
    verdict, gated = decide(comparison, threshold), gate(comparison, limit)
    if verdict.decision == "ACCEPT":
        assert comparison.ratio <= 1 - threshold / 100 + 1e-9
        assert gated != "FAIL"
    if verdict.confirmed:
        assert verdict.decision == "ACCEPT"
    if gated == "FAIL":
        assert verdict.decision != "ACCEPT"
    if comparison.runs < 5 or comparison.ci is None:
        assert (verdict.decision, gated) == ("INCONCLUSIVE", "INCONCLUSIVE")


@thousand
@given(st.lists(st.floats(0, 1), max_size=30))
def test_adjusted_p_values(p):
    by_holm, by_bh = holm(p), benjamini_hochberg(p)
    for raw, false_discovery, family in zip(p, by_bh, by_holm, strict=True):
        assert raw <= false_discovery + 1e-12
        assert false_discovery <= family + 1e-12
        assert family <= 1
    order = sorted(range(len(p)), key=p.__getitem__)
    for adjusted in (by_holm, by_bh):
        ordered = [adjusted[place] for place in order]
        assert ordered == sorted(ordered)
    if p:
        assert min(by_holm) == pytest.approx(min(1, len(p) * min(p)))


@thousand
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_adjustment_does_not_depend_on_the_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for adjust in (holm, benjamini_hochberg):
        straight = adjust(p)
        assert adjust([p[place] for place in order]) == pytest.approx(
            [straight[place] for place in order], rel=1e-12
        )


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_p_values_that_are_none(adjust):
    assert adjust([]) == []
    assert adjust([0.03]) == [0.03]
    for wrong in (-0.1, 1.1, math.nan, None, "0.5"):
        with pytest.raises(InvalidParameterError, match="p-value 2"):
            adjust([0.5, wrong])


@pytest.mark.slow
@thousand
@given(arms(), st.floats(0.1, 99), st.floats(0, 50))
def test_equivalence_within_a_wider_margin_is_more_probable(found, margin, more):
    baseline, candidate, paired = found
    comparison = compare_runs(baseline, candidate, paired=paired)
    narrow = equivalence(comparison, margin)
    wide = equivalence(comparison, min(99.9, margin + more))
    if narrow.p_value is None:
        assert not narrow.equivalent
        return
    assert wide.p_value <= narrow.p_value + 1e-12
    if narrow.equivalent:
        assert abs(comparison.ratio - 1) <= margin / 100
        assert comparison.runs >= 5


def test_equivalence_margin():
    with pytest.raises(InvalidParameterError, match="margin"):
        equivalence(FOUND, 100)
    assert equivalence(FOUND, 5).equivalent
    assert not equivalence(FOUND, 0).equivalent


@thousand
@given(st.floats(0, 1), st.floats(1, 90), st.floats(0.5, 0.95), st.booleans())
def test_noise_needs_more_runs_and_large_effects_fewer(cv, effect, power, paired):
    options = {"power": power, "paired": paired}
    needed = required_runs(cv, effect, **options)
    assert needed >= 2
    assert required_runs(cv * 1.1, effect, **options) >= needed
    assert required_runs(cv, min(95, effect * 1.1), **options) <= needed
    assert required_runs(cv, effect, paired=paired, power=min(0.99, power + 0.04)) >= needed


def test_number_of_runs_is_the_rule_of_thumb_and_a_few_more():
    for cv, effect in ((0.05, 5), (0.10, 5), (0.02, 3), (0.10, 10)):
        rule = 15.7 * (cv / math.log(1 - effect / 100)) ** 2
        assert rule <= required_runs(cv, effect) <= rule + 4
    assert required_runs(0, 5) == 2
    for wrong in ((-0.1, 5), (0.1, 0), (0.1, 100), (math.nan, 5)):
        with pytest.raises(InvalidParameterError):
            required_runs(*wrong)


def test_the_least_effect_is_what_the_number_of_runs_finds():
    spread = [0.97, 0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.03, 0.985, 1.015]
    found = compare_runs(spread, [run * 0.999 for run in spread])
    assert abs(required_runs(found.run_cv, found.mde) - 10) <= 1
