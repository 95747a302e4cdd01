"""Comparing two arms: laws, and every kind of input."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rbtrace.errors import RbtraceError
from rbtrace.statistics import (
    InvalidParameterError,
    InvalidRunsError,
    compare_runs,
    decide,
    gate,
    run_medians,
)
from rbtrace.statistics.estimates import LogEstimate
from tests.statistics.strategies import arms, thousand


def close(value, rel=1e-9, abs_=1e-12):
    return pytest.approx(value, rel=rel, abs=abs_)


@pytest.mark.slow
@thousand
@given(arms())
def test_interval_contains_the_ratio_and_p_agrees_with_it(found):
    baseline, candidate, paired = found
    comparison = compare_runs(baseline, candidate, paired=paired)
    assert comparison.ratio > 0
    if comparison.ci is None:
        assert comparison.p_value is None
        return
    low, high = comparison.ci
    assert low <= comparison.ratio <= high
    assert 0 <= comparison.p_value <= 1
    if abs(comparison.p_value - 0.05) > 1e-9:
        assert (comparison.p_value < 0.05) == (not low <= 1 <= high)


@pytest.mark.slow
@thousand
@given(arms())
def test_exchanging_the_arms_inverts_the_ratio(found):
    baseline, candidate, paired = found
    one = compare_runs(baseline, candidate, paired=paired)
    other = compare_runs(candidate, baseline, paired=paired)
    assert other.ratio == close(1 / one.ratio)
    assert (other.ci is None) == (one.ci is None)
    if one.ci is not None:
        assert other.p_value == close(one.p_value)
        assert other.crosscheck_p == close(one.crosscheck_p)
        low, high = one.ci
        if low > 1e-300 and high < 1e300:
            assert other.ci == close((1 / high, 1 / low))


@pytest.mark.slow
@thousand
@given(arms(), st.floats(1e-6, 1e6))
def test_unit_of_the_runs_does_not_matter(found, scale):
    baseline, candidate, paired = found
    one = compare_runs(baseline, candidate, paired=paired)
    assume(one.ci is not None and one.log_error > 1e-9)
    other = compare_runs(
        [scale * run for run in baseline], [scale * run for run in candidate], paired=paired
    )
    assert other.ratio == close(one.ratio)
    assert other.p_value == close(one.p_value, rel=1e-4)
    assert np.log(other.ci) == close(np.log(one.ci), rel=1e-4, abs_=1e-9)


@pytest.mark.slow
@thousand
@given(arms(), st.randoms(use_true_random=False))
def test_order_of_the_runs_does_not_matter(found, random):
    baseline, candidate, paired = found
    one = compare_runs(baseline, candidate, paired=paired)
    if paired:
        together = list(zip(baseline, candidate, strict=True))
        random.shuffle(together)
        baseline, candidate = map(list, zip(*together, strict=True))
    else:
        random.shuffle(baseline)
        random.shuffle(candidate)
    other = compare_runs(baseline, candidate, paired=paired)
    assert other.ratio == close(one.ratio)
    assert (other.ci is None) == (one.ci is None)
    if one.ci is not None and one.log_error > 1e-9:
        assert other.p_value == close(one.p_value, rel=1e-6)


@thousand
@given(st.floats(-50, 50), st.floats(0, 50), st.floats(1e-3, 10), st.floats(1, 60))
def test_farther_is_less_probable(value, further, error, df):
    def p(distance):
        return float(LogEstimate(*map(np.asarray, (distance, error, df))).p_value())

    away = math.copysign(abs(value) + further, value)
    assert p(away) <= p(value)


@pytest.mark.slow
@thousand
@given(arms(), st.floats(0.5, 0.98), st.floats(0.001, 0.019))
def test_more_confidence_is_a_wider_interval(found, level, more):
    baseline, candidate, paired = found
    narrow = compare_runs(baseline, candidate, paired=paired, confidence=level)
    wide = compare_runs(baseline, candidate, paired=paired, confidence=level + more)
    if narrow.ci is not None:
        assert wide.ci[0] <= narrow.ci[0]
        assert wide.ci[1] >= narrow.ci[1]


@pytest.mark.parametrize("paired", [False, True])
def test_one_run_gives_a_ratio_and_no_more(paired):
    found = compare_runs([100.0], [80.0], paired=paired)
    assert found.ratio == close(0.8)
    assert (found.ci, found.p_value, found.crosscheck_p, found.mde, found.run_cv) == (None,) * 5
    assert "too_few_runs" in found.warnings
    assert decide(found, 5).decision == "INCONCLUSIVE"
    assert gate(found, 10) == "INCONCLUSIVE"


@pytest.mark.parametrize("runs", [2, 3, 4])
def test_few_runs_give_figures_and_no_verdict(runs):
    baseline = [100.0 + n / 10 for n in range(runs)]
    found = compare_runs(baseline, [run / 2 + 0.01 * run**0.5 for run in baseline])
    assert found.p_value < 0.05
    assert found.ci[1] < 0.95
    assert "too_few_runs" in found.warnings
    assert decide(found, 5) == decide(compare_runs([1.0], [1.0]), 5)
    assert gate(compare_runs([1 / run for run in baseline], [2 + n for n in range(runs)])) == (
        "INCONCLUSIVE"
    )


@pytest.mark.parametrize("paired", [False, True])
def test_no_variance_is_never_significant(paired):
    found = compare_runs([100.0] * 10, [80.0] * 10, paired=paired)
    assert found.ratio == close(0.8)
    assert (found.ci, found.p_value) == (None, None)
    assert "zero_variance" in found.warnings
    assert decide(found, 5).decision == "INCONCLUSIVE"
    assert found.direction == "no significant difference"


def test_no_variance_in_one_arm_is_no_basis_either():
    found = compare_runs([100.0] * 10, [80.0 + n for n in range(10)])
    assert found.ci is None
    assert list(found.warnings).count("zero_variance") == 1


def test_equal_ratios_of_all_pairs_are_rounding_and_not_precision():
    baseline = [101.0, 99.0, 103.7, 98.1, 100.3]
    found = compare_runs(baseline, [0.9 * run for run in baseline], paired=True)
    assert found.ratio == close(0.9)
    assert found.p_value is None
    assert "zero_variance" in found.warnings


def test_unequal_numbers_are_compared_unpaired_only():
    baseline, candidate = [10.0, 11, 12, 10.5, 11.5], [20.0, 21, 22, 20.5, 21.5, 23]
    assert compare_runs(baseline, candidate).direction == "slower"
    with pytest.raises(InvalidRunsError, match="equally many, not 5 and 6"):
        compare_runs(baseline, candidate, paired=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "no runs"),
        ([1.0, 0.0], r"run 2 is 0; it must be above 0"),
        ([1.0, -3], r"run 2 is -3; it must be above 0"),
        ([1.0, math.nan], "run 2 is nan; it must be a finite number"),
        ([math.inf, 1.0], "run 1 is inf; it must be a finite number"),
        ([1.0, None], "run 2 is None; it must be a number"),
        ([1.0, "2"], "run 2 is '2'; it must be a number"),
        ([1.0, True], "run 2 is True; it must be a number"),
        ([1.0, 1j], "run 2 is 1j; it must be a number"),
        ([1.0, 10**400], "it must be a finite number"),
        ([1.0, Decimal("sNaN")], "it must be a finite number"),
        ("123", "must be a sequence of numbers"),
        (b"123", "must be a sequence of numbers"),
        (5.0, "must be a sequence of numbers"),
        (np.ones((2, 2)), "run 1 is array"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("arm", ["baseline", "candidate"])
def test_invalid_runs_are_one_clear_error(wrong, message, arm):
    other = [1.0, 2.0]
    both = (wrong, other) if arm == "baseline" else (other, wrong)
    with pytest.raises(InvalidRunsError, match=message) as caught:
        compare_runs(*both)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RbtraceError)
    assert str(caught.value).startswith(arm)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, math.nan, math.inf, "0.95", None])
def test_invalid_confidence_is_one_clear_error(confidence):
    with pytest.raises(InvalidParameterError, match="confidence"):
        compare_runs([1.0, 2.0], [1.0, 2.0], confidence=confidence)


@pytest.mark.parametrize(
    "kind",
    [
        tuple,
        np.array,
        pd.Series,
        iter,
        lambda runs: [Decimal(str(run)) for run in runs],
        lambda runs: [int(run) for run in runs],
        lambda runs: np.array(runs, np.float32),
        lambda runs: np.array(runs, np.int64),
    ],
)
def test_runs_may_be_numbers_of_any_kind(kind):
    baseline, candidate = [100.0, 101, 103], [90.0, 92, 89]
    expected = compare_runs(baseline, candidate)
    assert compare_runs(kind(baseline), kind(candidate)) == expected


def test_wild_runs_have_a_finite_interval():
    found = compare_runs([1e-300, 1e300], [1e300, 1e-300])
    assert found.ratio == close(1)
    assert all(map(math.isfinite, found.ci))
    assert 0 < found.ci[0] < found.ci[1]


def test_equal_arms_are_equal():
    runs = [100.0, 101, 99, 102, 98]
    found = compare_runs(runs, runs)
    assert found.ratio == 1
    assert found.p_value == 1
    assert found.improvement == 0


def test_arms_in_short():
    found = compare_runs([1.0, 2, 4], [8.0, 8, 8.5])
    assert found.baseline.runs == 3
    assert found.baseline.geometric_mean == close(2)
    assert found.baseline.median == 2
    assert found.baseline.cv == close(np.std([1, 2, 4], ddof=1) / (7 / 3))
    expected = math.sqrt((found.baseline.cv**2 + found.candidate.cv**2) / 2)
    assert found.run_cv == close(expected)


def test_median_spans_of_runs_are_compared_run_by_run():
    spans = [[1, 2, 300], [2, 2], [5]]
    assert run_medians(spans) == [2, 2, 5]
    with pytest.raises(InvalidRunsError, match="spans of run 2 has no runs"):
        run_medians([[1.0], []])
