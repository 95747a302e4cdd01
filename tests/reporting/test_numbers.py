"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.reporting.numbers import duration, percent, percentages, printable, ratio


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.000 µs"),
        (12_345, "12.35 µs"),
        (123_456_789, "123.5 ms"),
        (1_234_000_000, "1.234 s"),
        (599_000_000_000, "599.0 s"),
        (3_725_000_000_000, "62 min 05 s"),
    ],
)
def test_durations(ns: int | None, text: str) -> None:
    assert duration(ns) == text


def test_fractions() -> None:
    assert (percent(0.12345), percent(None)) == ("12.3 %", "–")
    assert (ratio(1.005, "×"), ratio(None)) == ("1.00×", "–")


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=300))
def test_percentages_add_to_100_as_shown(parts: list[int]) -> None:
    shown = percentages(parts)
    if not sum(parts):
        assert set(shown) == {"–"}
        return
    values = [float(text.removesuffix(" %")) for text in shown]
    assert round(sum(values), 6) == 100
    for part, value in zip(parts, values, strict=True):
        assert abs(100 * part / sum(parts) - value) < 0.01 + 1e-9


def test_control_signs_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[31mb\nc\u202ed é") == "a�[31mb�c�d é"
