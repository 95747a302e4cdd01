"""Interim analyses: which numbers of pairs may be asked for, and which p counts at each."""

from __future__ import annotations

import pytest

from rbtrace.comparison.decisions import alpha_at, parse_interim_analyses
from rbtrace.errors import RbtraceError


def test_interim_analyses_are_numbers_of_pairs() -> None:
    assert parse_interim_analyses("10,20,30") == [10, 20, 30]


@pytest.mark.parametrize("text", ["ten", "10,", "30,20,10", "10,10,10", "0,5,10", "1,2"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RbtraceError, match=r"looks must be increasing|is not understood"):
        parse_interim_analyses(text)


def test_a_fixed_number_of_pairs_has_the_usual_level() -> None:
    assert alpha_at([], 7) == 0.05


@pytest.mark.parametrize(
    ("pairs", "alpha"), [(10, 0.0005), (20, 0.0141), (30, 0.0451), (15, 0.0005), (3, 0.0005)]
)
def test_each_analysis_has_its_bound_and_others_the_strictest(pairs: int, alpha: float) -> None:
    assert alpha_at([10, 20, 30], pairs) == pytest.approx(alpha, abs=0.00005)
