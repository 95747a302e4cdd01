from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rbtrace.scenarios.measurement import paired_ratio

SECONDS = st.floats(min_value=1e-3, max_value=1e3)
PAIRS = st.lists(st.tuples(SECONDS, SECONDS), min_size=2, max_size=20)


@given(pairs=PAIRS)
def test_paired_ratio_is_the_paired_log_t_interval(pairs):
    baseline, candidate = zip(*pairs, strict=True)
    logs = np.log(candidate) - np.log(baseline)
    mean, error = logs.mean(), stats.sem(logs)
    half = stats.t.ppf(0.975, len(logs) - 1) * error

    found = paired_ratio(baseline, candidate)

    assert found.ratio == pytest.approx(np.exp(mean))
    assert found.low == pytest.approx(np.exp(mean - half))
    assert found.high == pytest.approx(np.exp(mean + half))


@given(seconds=st.lists(SECONDS, min_size=2, max_size=20), factor=st.floats(0.5, 2.0))
def test_a_constant_factor_is_found_whatever_the_machine_did(seconds, factor):
    found = paired_ratio(seconds, [factor * value for value in seconds])

    assert found.ratio == pytest.approx(factor)
    assert found.low == pytest.approx(factor)
    assert found.high == pytest.approx(factor)


def test_one_pair_has_a_ratio_and_no_interval():
    found = paired_ratio([2.0], [3.0])

    assert found.ratio == pytest.approx(1.5)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("baseline", "candidate"), [([], []), ([1.0], [1.0, 2.0])])
def test_what_is_not_pairs_is_refused(baseline, candidate):
    with pytest.raises(ValueError, match=r"pairs|argument"):
        paired_ratio(baseline, candidate)
