"""The published error rates hold, and the simulation notices rules whose do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from rbtrace.statistics import compare_runs, decide, equivalence, gate, share_interval
from rbtrace.statistics.shares import logit_jackknife
from tests.statistics import simulation
from tests.statistics.simulation import BY_NAME, REGIMES, RUNS

HOLDS = (0.93, 0.97)
every_regime = pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.name)
every_number = pytest.mark.parametrize("runs", RUNS)
both_designs = pytest.mark.parametrize("paired", [False, True], ids=["unpaired", "paired"])


def holds(rate, least=HOLDS[0], most=HOLDS[1]):
    return least <= rate <= most


@both_designs
@every_number
@every_regime
def test_interval_of_the_ratio_covers(regime, runs, paired):
    # Five pairs with rare bursts: too wide an interval, never too narrow a one.
    most = 0.98 if (regime.name, runs, paired) == ("bursty", 5, True) else HOLDS[1]
    assert holds(simulation.ratio_coverage(regime, runs, paired=paired), most=most)


@every_number
def test_interval_covers_with_unequal_numbers_and_spreads(runs):
    assert holds(simulation.unequal_coverage(runs))


@both_designs
@every_number
@every_regime
def test_equal_arms_seldom_differ(regime, runs, paired):
    assert simulation.false_alarms(regime, runs, paired=paired) <= 0.06


@pytest.mark.parametrize("beta", [(12, 28), (2, 198), (60, 20)], ids=["30 %", "1 %", "75 %"])
@pytest.mark.parametrize("unlike", [0.2, 0.35, 0.6])
@every_number
def test_interval_of_the_share_covers(runs, unlike, beta):
    assert holds(simulation.share_coverage(runs, unlike, beta))


def test_pairs_find_at_least_twice_as_much():
    assert simulation.power(10, 5, paired=True) >= 2 * simulation.power(10, 5, paired=False)


@every_number
def test_twenty_equal_operations_seldom_give_an_alarm_after_holm(runs):
    raw, adjusted = simulation.family_errors(runs)
    assert adjusted <= 0.06
    assert raw > 0.5, "without the adjustment most families give an alarm"


@every_regime
def test_planned_looks_err_as_seldom_as_one(regime):
    peeking, bounded = simulation.look_errors(regime)
    assert bounded <= 0.06
    assert peeking > 0.08, "three looks without bounds err more often"


@pytest.mark.parametrize("regime", ["noisy", "bursty"])
@pytest.mark.parametrize("runs", [5, 10])
def test_rules_that_do_not_hold_fail_on_the_same_data(regime, runs):
    errors = simulation.control_errors(BY_NAME[regime], runs)
    assert errors["rbtrace"] <= 0.06
    assert errors["rustybt differs"] >= 0.10
    assert errors["pooled spans"] >= 0.08


def test_rustybt_accepts_equal_arms():
    errors = simulation.control_errors(BY_NAME["noisy"], 10)
    assert errors["rustybt accepts"] >= 0.10
    assert not holds(simulation.rustybt_coverage(BY_NAME["noisy"], 5))
    assert not holds(simulation.rustybt_coverage(BY_NAME["noisy"], 10))


@pytest.mark.parametrize("runs", [10, 20, 30])
def test_arms_after_one_another_differ_for_no_reason(runs):
    assert simulation.sequential_false_alarms(BY_NAME["shared"], runs) >= 0.15


@every_number
def test_spans_are_no_sample_for_a_share(runs):
    assert not holds(simulation.share_of_spans_coverage(runs))


@every_number
def test_rare_giant_spans_make_the_interval_of_a_share_too_narrow(runs):
    assert simulation.giant_share_coverage(runs) < HOLDS[0], "hence the warning giant_span"


def test_documented_rates_are_those_simulated():
    path = Path(__file__).parents[2] / "docs" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.DOCUMENT.read_text(encoding="utf-8") == module.expected()


@both_designs
def test_simulation_computes_what_users_get(paired):
    """The rates above are those of the public functions: the same numbers come out."""
    rng = simulation.generator("same", paired)
    draw = simulation.paired_runs if paired else simulation.independent_runs
    baseline, candidate = draw(rng, BY_NAME["shared"], 10, experiments=50)
    many = (simulation.paired_log_t if paired else simulation.log_welch)(baseline, candidate)
    low, high = many.interval(0.95)
    p = many.p_value()
    for n in range(50):
        one = compare_runs(np.exp(baseline[n]), np.exp(candidate[n]), paired=paired)
        assert np.log(one.ci) == pytest.approx([low[n], high[n]], rel=1e-9)
        assert one.p_value == pytest.approx(p[n], rel=1e-9)


def test_simulated_shares_are_what_users_get():
    parts, wholes = (found[:50] for found in simulation.share_sample(simulation.generator(), 8))
    low, high = logit_jackknife(parts, wholes)[0].interval(0.95)
    for n in range(50):
        ci = np.array(share_interval(parts[n], wholes[n]).ci)
        assert np.log(ci / (1 - ci)) == pytest.approx([low[n], high[n]], rel=1e-9)


@pytest.fixture(scope="module")
def decided():
    """Verdicts, gates and equivalence of 2,000 comparisons for each of some true ratios."""
    found = {}
    for ratio in (0.95, 1.0, 1.05, 1.10):
        rng = simulation.generator("decisions", ratio)
        baseline, candidate = simulation.paired_runs(rng, BY_NAME["shared"], 10, 2000)
        pairs = zip(np.exp(baseline), ratio * np.exp(candidate), strict=True)
        comparisons = [compare_runs(*pair, paired=True) for pair in pairs]
        found[ratio] = (
            [decide(one, 5) for one in comparisons],
            [gate(one, 10) for one in comparisons],
            [equivalence(one, 5).equivalent for one in comparisons],
        )
    return found


@pytest.mark.slow
def test_decisions_err_seldom(decided):
    def rate(answers, wanted):
        return np.mean([answer == wanted for answer in answers])

    verdicts = {ratio: [one.decision for one in found[0]] for ratio, found in decided.items()}
    assert rate(verdicts[1.0], "ACCEPT") <= 0.01
    assert rate(verdicts[0.95], "REJECT") <= 0.035, "at the threshold: one tail of the interval"
    assert np.mean([one.confirmed for one in decided[0.95][0]]) <= 0.035
    assert rate(verdicts[1.05], "REJECT") >= 0.95
    assert rate(decided[1.0][1], "FAIL") <= 0.001
    assert rate(decided[1.0][1], "PASS") >= 0.95
    assert rate(decided[1.10][1], "PASS") <= 0.035
    assert np.mean(decided[1.05][2]) <= 0.06, "not equivalent: at the margin"
    assert np.mean(decided[0.95][2]) <= 0.06
    assert np.mean(decided[1.0][2]) >= 0.80
