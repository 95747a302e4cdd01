"""Shares: laws, and every kind of input."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.statistics import InvalidParameterError, InvalidRunsError, share_interval
from tests.statistics.strategies import thousand

rows = st.lists(st.tuples(st.floats(0, 1), st.floats(1e3, 1e12)), min_size=1, max_size=12).map(
    lambda found: ([share * whole for share, whole in found], [whole for _, whole in found])
)


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@thousand
@given(rows)
def test_interval_contains_the_share(found):
    parts, wholes = found
    interval = share_interval(parts, wholes)
    assert 0 <= interval.share <= 1 + 1e-12
    assert 1 - 1e-9 <= interval.k_eff <= len(parts) + 1e-9
    assert ("low_k_eff" in interval.warnings) == (interval.k_eff < 5)
    if interval.ci is not None:
        low, high = interval.ci
        assert 0 <= low <= interval.share + 1e-12
        assert interval.share - 1e-12 <= high <= 1


@thousand
@given(rows, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_neither_unit_nor_order_matters(found, scale, random):
    together = list(zip(*found, strict=True))
    one = share_interval(*found)
    random.shuffle(together)
    parts, wholes = zip(*together, strict=True)
    other = share_interval(
        [min(scale * part, scale * whole) for part, whole in together],
        [scale * whole for whole in wholes],
    )
    assert other.share == close(one.share)
    assert other.k_eff == close(one.k_eff)
    if one.ci is not None and one.ci[1] - one.ci[0] > 1e-6 and other.ci is not None:
        assert other.ci == pytest.approx(one.ci, rel=1e-3, abs=1e-6)
    assert len(parts) == one.runs


@thousand
@given(rows)
def test_the_rest_has_the_rest_of_the_share(found):
    parts, wholes = found
    one = share_interval(parts, wholes)
    rest = [whole - part for part, whole in zip(parts, wholes, strict=True)]
    other = share_interval(rest, wholes)
    assert other.share == pytest.approx(1 - one.share, abs=1e-9)
    if one.ci is not None and other.ci is not None and one.ci[1] - one.ci[0] > 1e-6:
        assert other.ci == pytest.approx((1 - one.ci[1], 1 - one.ci[0]), rel=1e-3, abs=1e-6)


def test_equal_runs_count_in_full():
    assert share_interval([1.0] * 8, [4.0] * 8).k_eff == 8
    assert share_interval([1.0, 1], [100.0, 2]).k_eff == pytest.approx(102**2 / (100**2 + 2**2))


@pytest.mark.parametrize(
    ("parts", "wholes", "share", "code"),
    [
        ([1.0], [4.0], 0.25, "low_k_eff"),
        ([1.0] * 6, [4.0] * 6, 0.25, "zero_variance"),
        ([0.0] * 6, [4.0, 5, 6, 7, 8, 9], 0, "at_boundary"),
        ([4.0, 5, 6], [4.0, 5, 6], 1, "at_boundary"),
        ([0.0, 0, 0, 0, 0, 3], [4.0] * 6, 0.125, "at_boundary"),
    ],
)
def test_what_has_no_interval_says_why(parts, wholes, share, code):
    found = share_interval(parts, wholes)
    assert found.share == share
    assert found.ci is None
    assert code in found.warnings


def test_one_giant_span():
    parts, wholes = [10.0, 11, 12, 10, 11, 13], [40.0, 41, 42, 43, 40, 44]
    assert share_interval(parts, wholes).warnings == ()
    assert share_interval(parts, wholes, largest_span=6.7).warnings == ()
    (found,) = share_interval(parts, wholes, largest_span=6.8).warnings
    assert found == "giant_span"
    assert found.message.startswith("one span is 10% of the operation's time")


@pytest.mark.parametrize(
    ("parts", "wholes", "message"),
    [
        ([], [], "no runs"),
        ([1.0], [0.0], "whole: run 1 is 0; it must be above 0"),
        ([1.0], [2.0, 3.0], "equally many, not 1 and 2"),
        ([-1.0], [2.0], "between 0 and its whole"),
        ([3.0], [2.0], "between 0 and its whole"),
        ([math.nan], [2.0], "part: run 1 is nan"),
        ([1.0], [math.inf], "whole: run 1 is inf"),
    ],
)
def test_invalid_sums_are_one_clear_error(parts, wholes, message):
    with pytest.raises(InvalidRunsError, match=message):
        share_interval(parts, wholes)


def test_invalid_confidence():
    with pytest.raises(InvalidParameterError):
        share_interval([1.0], [2.0], confidence=1)
