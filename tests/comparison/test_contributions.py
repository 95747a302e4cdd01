"""The decomposition has no rest, whatever the operations are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace.comparison.contributions import contributions, logarithmic_mean

POSITIVE = st.floats(min_value=1e-3, max_value=1e15)
OPERATIONS = st.dictionaries(st.sampled_from("abcdef"), POSITIVE, min_size=1)
RUNS = st.lists(OPERATIONS, min_size=1, max_size=5)


def log_ratio(baseline, candidate) -> float:
    return math.log(math.fsum(candidate.values()) / math.fsum(baseline.values()))


@settings(max_examples=1000)
@given(st.lists(st.tuples(OPERATIONS, OPERATIONS), min_size=1, max_size=5))
def test_pairs_add_up_to_the_mean_log_ratio(pairs) -> None:
    baseline, candidate = zip(*pairs, strict=True)

    found = contributions(baseline, candidate, paired=True)

    expected = math.fsum(log_ratio(*pair) for pair in pairs) / len(pairs)
    assert math.fsum(found.values()) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=1000)
@given(RUNS, RUNS)
def test_all_combinations_add_up_to_the_log_ratio_of_geometric_means(baseline, candidate) -> None:
    found = contributions(baseline, candidate, paired=False)

    logs = [
        math.fsum(math.log(math.fsum(run.values())) for run in runs) / len(runs)
        for runs in (baseline, candidate)
    ]
    assert math.fsum(found.values()) == pytest.approx(logs[1] - logs[0], rel=1e-9, abs=1e-12)


@settings(max_examples=1000)
@given(RUNS, RUNS)
def test_the_other_way_round_every_sign_changes(baseline, candidate) -> None:
    forth = contributions(baseline, candidate, paired=False)
    back = contributions(candidate, baseline, paired=False)

    assert forth.keys() == back.keys()
    assert all(forth[name] == pytest.approx(-back[name], rel=1e-9, abs=1e-12) for name in forth)


@settings(max_examples=1000)
@given(POSITIVE, POSITIVE)
def test_the_logarithmic_mean_lies_between_geometric_and_arithmetic_mean(x, y) -> None:
    found = logarithmic_mean(x, y)

    assert found == pytest.approx(logarithmic_mean(y, x), rel=1e-9)
    assert math.sqrt(x) * math.sqrt(y) <= found * (1 + 1e-9)
    assert found <= (x + y) / 2 * (1 + 1e-9)


def test_what_only_one_arm_has_is_its_own_part() -> None:
    found = contributions([{"old": 100.0}], [{"old": 100.0, "new": 100.0}], paired=True)

    assert found == {"old": 0.0, "new": pytest.approx(math.log(2))}
