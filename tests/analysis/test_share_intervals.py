"""Shares with intervals: from five runs on, and otherwise the reason why not."""

from __future__ import annotations

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.results import Results
from rbtrace.statistics import share_interval
from tests.support.spans import SUMMARY, Span, evaluated

PRICES = (30, 36, 33, 28, 35, 31)


def runs(prices, *, arms=("",), scale=(1,) * 6, calls: int = 5) -> Results:
    spans = []
    for number, price in enumerate(prices):
        resource = {key.RUN_ID: f"run-{number}"}
        if arm := arms[number % len(arms)]:
            resource[key.ARM] = arm
        length = 100 * scale[number]
        at, base = 1_000_000 * (number + 1), 10 * number
        spans += [
            Span(base + 1, "root", at, at + length, resource=resource),
            Span(base + 2, "price", 0, 0, base + 1, kind=SUMMARY, calls=calls, total=price,
                 self_ns=price, attributes={key.DURATION_MAX: price}, resource=resource),
        ]  # fmt: skip
    return evaluated(spans)


def test_several_runs_give_every_share_its_interval() -> None:
    found = runs(PRICES)

    for name, part in (("price", PRICES), ("root", [100 - price for price in PRICES])):
        (row,) = [one for one in found.operations if one.name == name]
        assert row.share_ci == share_interval(part, [100] * len(PRICES)).ci
        assert row.share_ci[0] < row.share < row.share_ci[1]
    assert found.share_note == ""


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (runs(PRICES[:1]), "1 run, and they need 5"),
        (runs(PRICES[:4]), "4 runs, and they need 5"),
        (runs(PRICES, arms=("baseline", "candidate")), "the runs are of several arms"),
        (runs(PRICES, scale=(1, 1, 1, 1, 1, 50)), "6 runs of so unequal length count for 1.2"),
    ],
)
def test_without_an_interval_the_reason_is_said(results: Results, reason: str) -> None:
    assert {row.share_ci for row in results.operations} == {None}
    assert reason in results.share_note


def test_a_single_call_that_weighs_too_much_is_pointed_out() -> None:
    (warning,) = runs((30, 30, 31, 30, 29, 900), calls=50, scale=(10,) * 6).warnings

    assert warning.startswith("share of price: one span is 86% of the operation's time")
    assert runs(PRICES, calls=5).warnings == []
