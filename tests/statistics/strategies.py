"""Runs of every kind."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

thousand = settings(max_examples=1000)

durations = st.floats(1e3, 1e12)
whole_durations = st.integers(1, 10**15)


def runs(least=2, most=12, values=durations):
    return st.lists(values, min_size=least, max_size=most)


@st.composite
def pairs(draw, least=2, most=12, values=durations):
    """Two arms of the same number of runs."""
    number = draw(st.integers(least, most))
    return tuple(draw(st.lists(values, min_size=number, max_size=number)) for _ in range(2))


@st.composite
def arms(draw, least=2):
    """Two arms and whether they are paired."""
    if draw(st.booleans()):
        return *draw(pairs(least)), True
    return draw(runs(least)), draw(runs(least)), False
