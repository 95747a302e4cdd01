"""The rank tests, against scipy's and by counting."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rbtrace.statistics import compare_runs
from rbtrace.statistics.rank_tests import least_possible_p, wilcoxon_p
from tests.statistics.strategies import thousand


@thousand
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=8).filter(any))
def test_wilcoxon_with_ties_is_exact(differences):
    """Against the definition: the ranks' sum under every choice of signs."""
    moved = np.array([value for value in differences if value])
    ranks = stats.rankdata(np.abs(moved))
    observed = ranks[moved > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=moved.size)])
    tail = min((sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean())
    found = wilcoxon_p(np.zeros(len(differences)), np.array(differences, float))
    assert found == pytest.approx(min(1, 2 * tail), rel=1e-12)


@pytest.mark.parametrize("runs", range(2, 11))
def test_wilcoxon_with_ties_is_scipys(runs):
    rng = np.random.default_rng(runs)
    differences = rng.integers(-3, 4, runs) + 0.0
    differences[0] = 1
    expected = stats.wilcoxon(differences).pvalue
    assert wilcoxon_p(np.zeros(runs), differences) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("runs", [14, 60])
def test_many_tied_pairs_are_tested_too(runs):
    differences = np.arange(runs) % 5 - 1.0
    assert 0 < wilcoxon_p(np.zeros(runs), differences) < 0.05


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("runs", range(2, 9))
def test_least_p_is_that_of_arms_apart(runs, paired):
    baseline = np.exp(np.arange(runs) / 10)
    candidate = np.exp(5 + np.arange(runs) / 7)
    found = compare_runs(baseline, candidate, paired=paired)
    assert found.crosscheck_p == pytest.approx(least_possible_p(runs, runs, paired=paired))


def test_tests_that_disagree_are_called_unstable():
    baseline = [100.0, 101, 99, 102, 98, 100.5, 99.5, 101.5, 98.5, 100.2]
    candidate = [*(run - 4.1 for run in baseline[:-1]), 180.0]
    found = compare_runs(baseline, candidate)
    assert found.p_value > 0.05 > found.crosscheck_p
    assert "unstable" in found.warnings


def test_five_pairs_cannot_be_unstable():
    """The rank test of five pairs has no p below 0.0625: that says nothing about the runs."""
    baseline = [100.0, 101, 99, 102, 98]
    found = compare_runs(baseline, [run * 0.9 + run % 2 for run in baseline], paired=True)
    assert found.p_value < 0.05 < found.crosscheck_p
    assert "unstable" not in found.warnings
    assert math.isclose(found.crosscheck_p, 0.0625)
