"""Finding where two results, or two functions, first differ."""

from __future__ import annotations

import math
from copy import deepcopy
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace.errors import EXIT_GATE_FAILED, RbtraceError
from rbtrace.evaluation import (
    InvalidFieldError,
    NotEquivalentError,
    Tolerance,
    assert_equivalent,
    difference,
    find_disagreement,
)
from rbtrace.evaluation.baselines.averages import sma

CLOSE = Tolerance(relative=1e-9)
LOOSE = Tolerance(relative=1e-9, same_type=False)
FRAME = pd.DataFrame({"open": [1.0, 2.0], "close": [3.0, math.nan]}, index=["mon", "tue"])

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.decimals(),
        st.dates(),
        st.lists(st.floats(), max_size=3).map(np.array),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=1000)
@given(anything)
def test_everything_equals_its_copy(value):
    assert difference(value, deepcopy(value)) is None
    assert difference([value], [deepcopy(value)], CLOSE) is None


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance", "message"),
    [
        (1, 2, None, "result: expected 1, got 2"),
        (1, 1.0, None, "result: expected 1 (int), got 1.0 (float)"),
        (1, True, None, "result: expected 1 (int), got True (bool)"),
        (0.1 + 0.2, 0.3, None, "result: expected 0.30000000000000004, got 0.3"),
        (1.0, 1.0 + 2e-9, CLOSE, "result: expected 1.0, got 1.000000002"),
        (math.inf, 1e308, CLOSE, "result: expected inf, got 1e+308"),
        (math.nan, 1.0, CLOSE, "result: expected nan, got 1.0"),
        (Decimal("1.10"), Decimal("1.11"), None, "expected Decimal('1.10'), got Decimal('1.11')"),
        (Decimal(1), Decimal("1.1"), Tolerance(absolute=Decimal("0.09")), "got Decimal('1.1')"),
        (Decimal("NaN"), Decimal(1), CLOSE, "expected Decimal('NaN')"),
        (Decimal("Infinity"), Decimal(1), CLOSE, "expected Decimal('Infinity')"),
        ("abc", "abd", None, "result: expected abc, got abd"),
        ([1, [2, 3]], [1, [2, 4]], None, "result[1][1]: expected 3, got 4"),
        ([1, 2], [1], None, "result: expected 2 items, got 1 items"),
        ([1], (1,), None, "expected [1] (list), got (1,) (tuple)"),
        ({"a": 1}, {}, None, "result['a']: expected 1, got nothing"),
        ({}, {"a": 1}, None, "result['a']: expected nothing, got 1"),
        ({"a": [1.0]}, {"a": [1.5]}, CLOSE, "result['a'][0]: expected 1.0, got 1.5"),
        (date(2020, 1, 1), date(2020, 1, 2), None, "datetime.date(2020, 1, 2)"),
        (np.zeros(3), np.zeros(4), None, "result: expected shape (3,), got shape (4,)"),
        (np.zeros(3), np.zeros(3, int), None, "result: expected dtype float64, got dtype int64"),
        (np.eye(2), np.array([[1.0, 0], [0.5, 1]]), CLOSE, "result[1, 0]: expected 0.0, got 0.5"),
        (np.array(["a", "b"]), np.array(["a", "c"]), None, "result[1]: expected b, got c"),
        (np.array([Decimal(1)]), np.array([Decimal(2)]), CLOSE, "result[0]: expected Decimal('1')"),
        (
            FRAME,
            FRAME.rename(columns={"open": "o"}),
            None,
            "result.columns[0]: expected open, got o",
        ),
        (FRAME, FRAME.rename(index={"tue": "wed"}), None, "result.index[1]: expected tue, got wed"),
        (FRAME, FRAME.fillna(4.0), None, "result['close'][1]: expected nan, got 4.0"),
        (FRAME, FRAME[["open"]], None, "result.columns: expected shape (2,), got shape (1,)"),
        (FRAME["open"], FRAME["open"] + 1, CLOSE, "result[0]: expected 1.0, got 2.0"),
        ([1.0, 2.0], np.array([1.0, 2.5]), LOOSE, "result[1]: expected 2.0, got 2.5"),
        ("x" * 200, "y", None, "x" * 79 + "…"),
    ],
    ids=repr,
)
def test_first_difference(expected, actual, tolerance, message):
    found = difference(expected, actual, tolerance or Tolerance())
    assert message in str(found)


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance"),
    [
        (1.0, 1.0 + 5e-10, CLOSE),
        (math.nan, math.nan, None),
        (-math.inf, -math.inf, CLOSE),
        (0.0, -0.0, None),
        (Decimal("1.10"), Decimal("1.1"), None),
        (Decimal(1), Decimal("1.1"), Tolerance(absolute=Decimal("0.1"))),
        (Decimal("NaN"), Decimal("NaN"), None),
        (pd.NaT, pd.NaT, None),
        (FRAME, FRAME.copy(), None),
        (FRAME, FRAME * (1 + 5e-10), CLOSE),
        ([1, 2], np.array([1.0, 2.0]), LOOSE),
        ((1.0, 2), [1, 2.0], LOOSE),
        ({1, 2}, {2, 1}, None),
        (np.array([1, 2**62]), np.array([1, 2**62]), None),
    ],
    ids=repr,
)
def test_no_difference(expected, actual, tolerance):
    assert difference(expected, actual, tolerance or Tolerance()) is None


def test_large_whole_numbers_are_not_rounded():
    assert difference(np.array([2**62]), np.array([2**62 + 1])) is not None
    assert difference(2**62, 2**62 + 1) is not None


def test_polars_frames():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"close": [1.0, 2.0]})
    assert difference(frame, frame.clone()) is None
    found = difference(frame, polars.DataFrame({"close": [1.0, 2.5]}))
    assert str(found) == "result['close'][1]: expected 2.0, got 2.5"
    assert difference(frame, frame.rename({"close": "open"})).place == "result.columns[0]"


def test_tolerances_that_are_none():
    for wrong in (-1, math.nan, "0", None):
        with pytest.raises(InvalidFieldError, match=r"Tolerance\.relative"):
            Tolerance(relative=wrong)


def by_cumulative_sums(values, length):
    """Faster, and right but for the rounding of its sums."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    full = (sums[length:] - sums[:-length]) / length
    return [math.nan] * min(length - 1, len(values)) + full.tolist()


INPUTS = st.tuples(st.lists(st.floats(-1e3, 1e3), max_size=20), st.integers(1, 5))


def test_a_candidate_that_agrees():
    tolerance = Tolerance(absolute=1e-9)
    assert find_disagreement(sma, by_cumulative_sums, INPUTS, tolerance=tolerance) is None
    assert_equivalent(sma, by_cumulative_sums, [([1.0, 2.0], 2), ([], 1)])


def test_the_simplest_input_on_which_a_candidate_differs():
    def off(values, length):
        return [value + 1 if value > 100 else value for value in sma(values, length)]

    found = find_disagreement(sma, off, INPUTS)
    assert found.arguments == ([101.0], 1)
    assert str(found) == "with [101.0], 1: result[0]: expected 101.0, got 102.0"
    with pytest.raises(
        NotEquivalentError, match=r"off differs from sma with \[101.0\], 1"
    ) as caught:
        assert_equivalent(sma, off, INPUTS)
    assert isinstance(caught.value, RbtraceError)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.exit_code == EXIT_GATE_FAILED


def test_errors_have_to_agree_too():
    def silent(values, length):
        return sma(values, length) if length > 0 else []

    found = find_disagreement(sma, silent, [([1.0], 1), ([1.0], 0)])
    assert str(found) == (
        "with [1.0], 0: result: expected InvalidFieldError raised (_Raised), got [] (list)"
    )
    assert find_disagreement(sma, sma, [([1.0], 0)]) is None
    assert find_disagreement(lambda: 1 / 0, lambda: {}["x"], [()]) is not None


def test_arguments_that_are_changed():
    def sorts(values):
        values.sort()
        return values

    given_values = [2, 1]
    found = find_disagreement(sorted, sorts, [(given_values,)])
    assert str(found.difference) == "arguments afterwards[0][0]: expected 2, got 1"
    assert given_values == [2, 1]
