"""Times that may be censored: against a published data set, and at the edges."""

from __future__ import annotations

import pytest

from rbtrace.statistics.samples import InvalidRunsError
from rbtrace.statistics.survival import Times, logrank, median_time

# Weeks of remission of 42 children with leukaemia; a + was watched in vain.
# E. J. Freireich et al., Blood 21 (1963) 699-716, as in every textbook.
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def times(text):
    words = text.split()
    return Times([float(word.rstrip("+")) for word in words], ["+" not in word for word in words])


def test_the_medians_are_those_of_the_textbooks():
    treated, placebo = median_time(times(TREATED)), median_time(times(PLACEBO))

    assert treated.value == 23
    assert treated.ci == (13, None)
    assert placebo.value == 8
    assert placebo.ci == (4, 11)


def test_the_logrank_test_is_that_of_the_textbooks():
    # Chi squared 16.79 with one degree of freedom.
    assert logrank(times(TREATED), times(PLACEBO)) == pytest.approx(4.17e-5, rel=0.01)
    assert logrank(times(PLACEBO), times(PLACEBO)) == pytest.approx(1)


def test_what_less_than_half_reach_has_no_median():
    found = median_time(times("3 5 9+ 9+ 9+"))

    assert found.value is None
    assert found.ci[1] is None


def test_what_nobody_reaches_is_neither_early_nor_late():
    nobody = times("9+ 9+ 9+")

    assert median_time(nobody).value is None
    assert median_time(nobody).ci == (None, None)
    assert logrank(nobody, nobody) is None
    assert logrank(nobody, times("1 1 2")) < 0.05


def test_half_is_enough_for_a_median():
    assert median_time(times("1 2 9+ 9+")).value == 2


@pytest.mark.parametrize(
    ("values", "reached"),
    [([], []), ([1.0], []), ([0.0], [True]), ([float("inf")], [False]), ([float("nan")], [True])],
)
def test_times_that_are_none_are_refused(values, reached):
    with pytest.raises(InvalidRunsError):
        Times(values, reached)
