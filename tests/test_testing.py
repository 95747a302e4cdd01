"""The helpers for tests of traced code, used as such a test uses them."""

from __future__ import annotations

import pytest

import rbtrace
from rbtrace.testing import Capture, assert_calls, capture


def recorded(prices: int, **settings: object) -> Capture:
    with capture(**settings) as captured:

        @rbtrace.traced(name="price", hot=True)
        def price() -> None: ...

        @rbtrace.traced(name="bar")
        def bar() -> None:
            for _ in range(prices):
                price()

        with rbtrace.span("backtest"):
            bar()
            bar()
    return captured


@pytest.mark.parametrize("detail", ["summary", "calls"])
def test_calls_by_name_and_by_path(detail: str) -> None:
    captured = recorded(20, detail=detail)

    assert_calls(captured, {"price": 40, "bar": 2, "order": 0})
    assert_calls(captured, {("backtest", "bar", "price"): 40, ("backtest", "price"): 0})
    assert_calls(captured, {"price": 40, "bar": 2, "backtest": 1}, only=True)


def test_every_difference_is_named_with_its_excess() -> None:
    expected = {"price": 38, ("backtest", "bar"): 3, "backtest": 1}

    with pytest.raises(AssertionError) as failure:
        assert_calls(recorded(20), expected)

    assert str(failure.value).splitlines() == [
        "price: 40 calls, expected 38 (+2)",
        "backtest > bar: 2 calls, expected 3 (-1)",
    ]


def test_nothing_else_may_be_called() -> None:
    with pytest.raises(AssertionError, match=r"^backtest: 1 calls, expected 0 \(\+1\)$"):
        assert_calls(recorded(1), {"price": 2, "bar": 2}, only=True)


def test_two_runs_must_agree_on_every_path() -> None:
    assert_calls(recorded(3), recorded(3))

    with pytest.raises(AssertionError, match=r"^backtest > bar > price: 8 calls, expected 6"):
        assert_calls(recorded(4), recorded(3))
