"""Figures computed by other programs, to nine digits (see data/README.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rbtrace.statistics import (
    benjamini_hochberg,
    compare_runs,
    compound,
    decide,
    equivalence,
    gate,
    holm,
    share_interval,
)
from tests.statistics.simulation import rustybt_accepts, rustybt_interval

VECTORS = json.loads((Path(__file__).parent / "data/reference_vectors.json").read_text("utf-8"))
COMPARISONS = [name for name in VECTORS if name.startswith("V")]
SHARES = [name for name in VECTORS if name.startswith("S")]
MULTIPLICITIES = [name for name in VECTORS if name.startswith("M")]


def close(value):
    return pytest.approx(value, rel=1e-9, abs=0)


@pytest.fixture(params=COMPARISONS)
def vector(request):
    return VECTORS[request.param]


@pytest.mark.parametrize(
    ("paired", "method", "by_ranks"),
    [
        (False, "log_welch", lambda scipy: scipy["mannwhitneyu"]["p"]),
        (True, "paired_log_t", lambda scipy: scipy["wilcoxon_signed_rank_log_p"]),
    ],
)
def test_comparison_agrees_with_scipy(vector, paired, method, by_ranks):
    found = compare_runs(vector["base"], vector["new"], paired=paired)
    expected = vector["scipy"][method]
    assert found.ratio == close(expected["ratio"])
    assert found.ci == close(expected["ratio_ci"])
    assert found.p_value == close(expected["p"])
    assert found.df == close(expected["df"])
    assert found.crosscheck_p == close(by_ranks(vector["scipy"]))


def test_decisions_follow_the_rules(vector):
    expected = vector["expected_decision_unpaired"]
    found = compare_runs(vector["base"], vector["new"])
    verdict = decide(found, 5)
    assert verdict.decision == expected["accept_min5_policy_point"]
    assert verdict.confirmed == (expected["accept_min5_policy_bound"] == "ACCEPT")
    assert gate(found, 10) == expected["gate10_point_and_p"] == expected["gate10_bound"]
    assert found.direction == expected["direction"]
    assert ("unstable" in found.warnings) == expected["tests_disagree"]
    assert ("too_few_runs" not in found.warnings) == (expected["n_status"] == "OK")


def test_equivalence_agrees_with_statsmodels(vector):
    found = equivalence(compare_runs(vector["base"], vector["new"]), 5)
    assert found.p_value == close(vector["statsmodels_tost_pm5pct_log"]["p"])


def test_negative_control_is_the_rule_of_rustybt(vector):
    expected = vector["rustybt_reference_wrong"]
    baseline, candidate = np.array(vector["base"]), np.array(vector["new"])
    assert rustybt_interval(baseline) == close(tuple(expected["base_ci"]))
    assert rustybt_interval(candidate) == close(tuple(expected["new_ci"]))
    assert rustybt_accepts(baseline, candidate) == expected["meets_threshold_5pct"]


def test_changes_multiply():
    expected = VECTORS["C1_compounding"]
    found = compound(expected["ratios"])
    assert found.ratio == close(expected["product_ratio"])
    assert found.improvement == close(expected["total_improvement_pct"])
    assert found.speedup == close(expected["total_speedup"])
    assert found.geometric_mean == close(expected["geomean_ratio"])


@pytest.mark.parametrize("name", SHARES)
def test_share_agrees(name):
    expected = VECTORS[name]
    found = share_interval(expected["op_ns"], expected["total_ns"])
    assert found.share == close(expected["share"])
    assert found.k_eff == close(expected["k_eff"])
    assert found.ci == close(expected["RECOMMENDED_logit_jackknife_t_keff_ci"])


@pytest.mark.parametrize("name", MULTIPLICITIES)
def test_adjusted_p_values_agree_with_statsmodels(name):
    expected = VECTORS[name]
    assert holm(expected["p"]) == close(expected["holm_adjusted"])
    assert benjamini_hochberg(expected["p"]) == close(expected["bh_adjusted"])
    assert sum(p < 0.05 for p in holm(expected["p"])) == expected["n_holm"]
    assert sum(p < 0.05 for p in benjamini_hochberg(expected["p"])) == expected["n_bh"]
