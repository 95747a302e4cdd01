"""Warnings: each is given where it is due, and seldom where it is not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.statistics import (
    Finding,
    InvalidRunsError,
    compare_runs,
    decide,
    gate,
    pooling_findings,
    sensitivity_finding,
)
from rbtrace.statistics.diagnostics import ashman_d, ashman_limit, trend_findings
from tests.statistics.strategies import thousand

CALM = [100.0, 101, 99.5, 100.5, 99, 101.5, 100.2, 99.8, 100.8, 99.2]


def codes(baseline, candidate=CALM, **options):
    return [str(code) for code in compare_runs(baseline, candidate, **options).warnings]


def test_calm_runs_give_no_warning():
    assert codes(CALM) == []
    assert codes(CALM, paired=True) == ["zero_variance"]


def test_few_runs():
    assert codes(CALM[:9]) == ["few_runs"]
    assert codes(CALM[:5]) == ["few_runs"]
    assert codes(CALM[:4]) == ["too_few_runs"]


def test_runs_that_vary_by_a_tenth():
    found = compare_runs([80.0, 120, 85, 115, 90, 110, 100, 101, 99, 118], CALM)
    assert "high_cv" in found.warnings
    (warning,) = (one for one in found.warnings if one == "high_cv")
    assert warning.message.startswith("runs of the baseline vary by 14%")


def test_runs_that_become_slower():
    slower = [100.0 + n + n % 2 / 2 for n in range(12)]
    assert "drift" in codes(slower)
    assert "drift" in codes(CALM, slower)
    (warning, *_) = (one for one in compare_runs(slower, CALM).warnings if one == "drift")
    assert "become slower" in warning.message


def test_what_drifts_in_both_runs_of_a_pair_does_no_harm():
    slower = [100.0 + n for n in range(10)]
    noise = [1.00, 1.01, 0.99, 1.005, 0.995, 1.01, 0.99, 1.0, 1.005, 0.99]
    found = codes(slower, [run * by for run, by in zip(slower, noise, strict=True)], paired=True)
    assert "drift" not in found


def test_runs_that_resemble_their_neighbours():
    wave = [100 + 3 * np.sin(n / 2) for n in range(30)]
    assert "autocorrelation" in codes(wave)


def test_runs_in_two_groups():
    both = [*(100 + n % 5 / 10 for n in range(8)), *(104 + n % 4 / 10 for n in range(8))]
    shuffled = list(np.random.default_rng(1).permutation(both))
    assert "bimodal" in codes(shuffled)
    assert "bimodal" not in codes([*CALM[:-1], 120.0]), "one slow run is no group"


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ((range(10), range(10, 20)), "sequential"),
        ((range(10, 20), range(10)), "sequential"),
        ((range(0, 20, 2), range(1, 20, 2)), None),
    ],
)
def test_arms_that_did_not_take_turns(starts, expected):
    found = codes(CALM, CALM[::-1], starts=starts)
    assert found == ([expected] if expected else [])


def test_pairs_always_in_one_order():
    starts = list(range(0, 20, 2)), list(range(1, 20, 2))
    assert "fixed_order" in codes(CALM, CALM[::-1], paired=True, starts=starts)
    starts[0][3], starts[1][3] = starts[1][3], starts[0][3]
    assert "fixed_order" not in codes(CALM, CALM[::-1], paired=True, starts=starts)


@pytest.mark.parametrize("paired", [False, True])
def test_starts_tell_the_order_even_in_epoch_nanoseconds(paired):
    epoch = 1_790_000_000_000_000_000
    slower = [100.0 + n**1.1 for n in range(10)]
    order = np.random.default_rng(2).permutation(10)
    starts = [epoch + 2 * int(n) for n in order], [epoch + 2 * int(n) + 1 for n in order]
    baseline = [slower[n] for n in order]
    found = codes(baseline, [CALM[n] for n in order], paired=paired, starts=starts)
    assert "drift" in found


def test_as_many_starts_as_runs():
    with pytest.raises(InvalidRunsError, match="baseline: 10 runs but 9 starts"):
        compare_runs(CALM, CALM, starts=(range(9), range(10)))


@pytest.mark.parametrize("runs", [8, 10, 15, 20, 30])
def test_false_warnings_are_rare(runs):
    rng = np.random.default_rng(runs)
    samples = rng.standard_normal((2000, runs))
    trends = [code for sample in samples for code in trend_findings(sample, "runs")]
    assert trends.count("drift") / 2000 <= 0.02
    assert trends.count("autocorrelation") / 2000 <= 0.02
    if runs >= 10:
        assert np.mean([ashman_d(sample) > ashman_limit(runs) for sample in samples]) <= 0.02
    else:
        assert ashman_limit(runs) == float("inf")


@thousand
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=30), st.floats(0.1, 10), st.floats(-9, 9))
def test_distance_of_groups_does_not_depend_on_the_unit(values, scale, shift):
    found = ashman_d(np.array(values))
    assert found >= 0
    if 0 < found < 1e6 and np.ptp(values) > 1e-3:
        moved = ashman_d(scale * np.array(values) + shift)
        assert moved == pytest.approx(found, rel=1e-3) or len(set(np.round(values, 6))) < 9


def test_distance_of_groups_by_hand():
    values = np.array([1.0, 2, 3, 11, 12, 13])
    assert ashman_d(values) == pytest.approx(10)
    assert ashman_d(np.array([1.0, 1, 1, 2, 2, 2])) == float("inf")
    assert ashman_d(np.ones(6)) == 0
    assert ashman_d(values[:5]) == 0


def test_runs_of_different_machines_get_no_verdict():
    slow = [run * 2 for run in CALM[::-1]]
    here, there = {"host.name": "a"}, {"host.name": "b"}
    clear = compare_runs(slow, CALM)
    assert decide(clear).decision == "ACCEPT"
    assert gate(compare_runs(CALM, slow)) == "FAIL"
    for environments in ([here] * 10, [there] * 10), ([here, there] * 5, [here] * 10):
        found = pooling_findings(*environments)
        mixed = compare_runs(slow, CALM, also=found)
        assert set(found) <= {"different_hosts", "mixed_hosts"}
        assert found
        assert decide(mixed).decision == "INCONCLUSIVE"
        assert gate(compare_runs(CALM, slow, also=found)) == "INCONCLUSIVE"


def test_a_new_version_may_be_a_candidate_but_not_half_of_one():
    old, new = {"host.name": "a", "numpy": "1"}, {"host.name": "a", "numpy": "2"}
    assert list(pooling_findings([old] * 3, [new] * 3, software=["numpy"])) == [
        "different_versions"
    ]
    (found,) = pooling_findings([old, new], [new, {}], software=["numpy"])
    assert found == "mixed_versions"
    assert found.message == "runs of the baseline differ in numpy: 1, 2"
    assert pooling_findings([old, {}], [old, {}], software=["numpy"]) == ()
    assert pooling_findings([], [], software=["numpy"]) == ()


def test_runs_too_few_for_the_threshold():
    noisy = [80.0, 120, 85, 115, 90, 110, 100, 101, 99, 118]
    found = compare_runs(noisy, CALM)
    assert sensitivity_finding(found, 5) == "mde_above_threshold"
    assert sensitivity_finding(found, 50) is None
    assert sensitivity_finding(compare_runs([1.0], [2.0]), 5) is None


def test_findings_are_their_codes():
    finding = Finding("drift", "in words")
    assert finding == "drift"
    assert pickle.loads(pickle.dumps(finding)).message == "in words"
