"""What is concluded from two arms, and that nothing is concluded by accident."""

from __future__ import annotations

import math

import pytest

from rbtrace.comparison.arms import Arm, ArmRun
from rbtrace.errors import InputError, RbtraceError
from tests.support.arms import arm, compared, noisy, operation, whole

BASELINE = arm("baseline", noisy(100, 10))


def test_an_improvement_is_accepted_and_explained() -> None:
    faster = [{"price": one["price"] / 2, "order": one["order"]} for one in noisy(100, 10, 1)]

    found = compared(BASELINE, arm("candidate", faster), require_improvement=True)

    assert (found.outcome.decision, found.outcome.gate, found.outcome.exit_code) == (
        "ACCEPT", "PASS", 0,
    )  # fmt: skip
    assert operation(found, "price").decision == "ACCEPT"
    assert operation(found, "order").decision == "REJECT"
    assert operation(found, "price").contribution == pytest.approx(found.log_ratio, abs=0.02)
    assert found.operations[0].name == "price"


def test_contributions_add_up_to_the_change_of_the_whole() -> None:
    found = compared(BASELINE, arm("candidate", [{**one, "new": 7.0} for one in noisy(90, 10, 1)]))

    assert math.fsum(one.contribution for one in found.operations) == pytest.approx(
        found.log_ratio, rel=1e-12
    )
    assert math.exp(found.log_ratio) == pytest.approx(whole(found).ratio, rel=1e-12)
    assert math.fsum(one.contribution_percent for one in found.operations) == pytest.approx(
        100 * (whole(found).ratio - 1), rel=1e-12
    )
    new = operation(found, "new")
    assert (new.note, new.p_value, new.decision) == ("only in the candidate", None, None)
    assert (new.baseline, new.candidate) == (None, 7.0)


def test_an_operation_that_got_slower_fails_the_gate_by_its_adjusted_p() -> None:
    slower = [{"price": one["price"] * 1.3, "order": one["order"] * 0.8} for one in noisy(100, 10)]

    found = compared(BASELINE, arm("candidate", slower))

    assert found.outcome.gate == "PASS"
    assert operation(found, "price").gate == "FAIL"
    assert found.outcome.failed == ["price takes 30.0 % longer; 10 % is allowed"]
    assert found.outcome.exit_code == 1


def test_adjusted_p_is_holms_over_the_family() -> None:
    found = compared(BASELINE, arm("candidate", noisy(101, 10, 2)))

    raw = sorted(one.p_value for one in found.operations)
    assert operation(found, "price").adjusted_p == pytest.approx(min(1, 2 * raw[0]))


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        ({"small": 0.1}, {"small": 0.3}, "below 0.5% of either arm"),
        ({"small": 0.1}, {"small": 0.6}, ""),
        ({"small": 0.0}, {"small": 3.0}, "no time of its own in some run"),
        ({"small": 2.0}, {}, "only in the baseline"),
    ],
)
def test_who_is_judged(before, after, note: str) -> None:
    def with_small(seed: int, small: dict[str, float]) -> list[dict[str, float]]:
        runs = noisy(100, 10, seed)
        return [one | {name: t * one["price"] / 40 for name, t in small.items()} for one in runs]

    found = compared(arm("baseline", with_small(0, before)), arm("candidate", with_small(1, after)))

    row = operation(found, "small")
    assert row.note == note
    assert (row.adjusted_p is None) is bool(note)


def test_an_operation_of_some_runs_only() -> None:
    some = noisy(100, 10, 1)
    some[3] = {"order": 90.0}

    assert operation(compared(BASELINE, arm("candidate", some)), "price").note == "not in every run"


@pytest.mark.parametrize("runs", [1, 2, 3, 4])
@pytest.mark.parametrize("pairs", [True, False])
def test_few_runs_decide_nothing_however_large_the_difference(runs: int, pairs: bool) -> None:
    found = compared(
        arm("baseline", noisy(100, runs), pairs=pairs),
        arm("candidate", noisy(900, runs, 1), pairs=pairs),
    )

    assert found.outcome.decision == found.outcome.gate == "INCONCLUSIVE"
    assert found.outcome.exit_code == 3
    assert whole(found).ratio == pytest.approx(9, rel=0.1)
    assert (whole(found).p_value is None) is (runs == 1)
    assert "too_few_runs" in [one.code for one in whole(found).warnings]
    assert compared(BASELINE, BASELINE, require_improvement=True).outcome.exit_code == 1


def test_unequal_numbers_of_runs() -> None:
    found = compared(BASELINE, arm("candidate", noisy(50, 7, 1)))

    assert (found.design.paired, found.design.runs_baseline, found.design.runs_candidate) == (
        False, 10, 7,
    )  # fmt: skip
    assert found.outcome.decision == "ACCEPT"


def test_without_variance_nothing_is_significant() -> None:
    constant = [{"price": 10.0}] * 10

    found = compared(arm("baseline", constant), arm("candidate", [{"price": 20.0}] * 10))

    assert (whole(found).ratio, whole(found).p_value) == (pytest.approx(2), None)
    assert found.outcome.exit_code == 3


def test_pairs_without_a_partner_are_left_out_and_counted() -> None:
    baseline = arm("baseline", noisy(100, 10), pairs=True)
    candidate = arm("candidate", noisy(100, 8, 1), pairs=True)

    found = compared(baseline, candidate)

    assert (found.design.paired, found.design.runs_baseline) == (True, 8)
    assert found.warnings == ["2 runs without a partner are left out of the times"]


def test_runs_of_different_benchmarks_are_no_pairs() -> None:
    found = compared(
        arm("baseline", noisy(100, 10), pairs=True, plan="one"),
        arm("candidate", noisy(100, 10, 1), pairs=True, plan="other"),
    )

    assert found.design.paired is False


def test_a_pair_twice_in_an_arm_is_no_pair() -> None:
    twice = arm("baseline", noisy(100, 5), pairs=True)
    doubled = Arm("baseline", "traces", twice.runs * 2)

    assert compared(doubled, arm("candidate", noisy(100, 5), pairs=True)).design.paired is False


def test_different_hosts_forbid_verdicts() -> None:
    found = compared(BASELINE, arm("candidate", noisy(50, 10, 1), host="other"))

    assert found.outcome.open == ["host is host in the baseline, other in the other"]
    assert found.outcome.exit_code == 3


def test_pairs_may_be_spread_over_hosts() -> None:
    def spread(name: str, total: float) -> Arm:
        one, other = arm(name, noisy(total, 10), pairs=True), arm(name, noisy(total, 10), host="b")
        runs = (*one.runs[:5], *(_with_pair(run) for run in other.runs[5:]))
        return Arm(name, "traces", runs)

    found = compared(spread("baseline", 100), spread("candidate", 50))

    assert found.outcome.open == []


def _with_pair(run: ArmRun) -> ArmRun:
    return ArmRun(
        run.name, run.measures, run.self_ns, run.calls, run.fingerprints, run.hosts,
        pair=int(run.name.rpartition("-")[2]), started_ns=run.started_ns,
    )  # fmt: skip


def test_different_machines_forbid_verdicts_and_other_versions_are_told() -> None:
    machine = {"cpu": "A", "python": "3.12.1", "revision": "one"}
    other = {"cpu": "B", "python": "3.13.0", "revision": "two"}

    found = compared(
        arm("baseline", noisy(100, 10), environment=machine),
        arm("candidate", noisy(50, 10, 1), environment=other),
    )

    assert found.outcome.open == ["cpu is A in the baseline, B in the other"]
    assert found.warnings == ["python is 3.12.1 in the baseline, 3.13.0 in the other"]
    assert found.outcome.decision == "INCONCLUSIVE"


def test_different_operations_in_both_arms() -> None:
    found = compared(
        arm("baseline", [{"old": one["price"]} for one in noisy(100, 10)]),
        arm("candidate", [{"new": one["price"]} for one in noisy(100, 10, 1)]),
    )

    assert {one.note for one in found.operations} == {
        "only in the baseline",
        "only in the candidate",
    }
    assert math.fsum(one.contribution for one in found.operations) == pytest.approx(
        found.log_ratio, abs=1e-12
    )


@pytest.mark.parametrize("pairs", [10, 20, 30])
def test_a_benchmark_that_may_end_early_has_stricter_bounds(pairs: int) -> None:
    fields = {"pairs": True, "interim_analyses": (10, 20, 30), "plan": "one"}
    found = compared(
        arm("baseline", noisy(100, pairs), **fields), arm("candidate", noisy(100, pairs), **fields)
    )

    assert found.design.alpha == pytest.approx(
        {10: 0.0005, 20: 0.0141, 30: 0.0451}[pairs], abs=0.00005
    )
    assert {one.note for one in found.operations} == {
        "not judged in a benchmark that may end early"
    }


def test_tools_are_not_compared_with_each_other() -> None:
    with pytest.raises(InputError, match="compare results of the same tool"):
        compared(BASELINE, arm("candidate", noisy(1, 3), source="pyperf"))


def test_nothing_in_common() -> None:
    bare = Arm("bench", "rbtrace bench", (ArmRun("r", {"process wall": 3.0}),))

    with pytest.raises(InputError, match="have no measure in common"):
        compared(BASELINE, bare)


@pytest.mark.parametrize(
    "asked",
    [
        {"threshold": -1.0},
        {"threshold": 100.0},
        {"threshold": math.nan},
        {"max_regression": -0.1},
        {"max_regression": math.inf},
    ],
)
def test_per_cent_that_mean_nothing_are_refused(asked) -> None:
    with pytest.raises(RbtraceError, match=r"threshold|max_regression"):
        compared(BASELINE, BASELINE, **asked)


def test_no_regression_at_all_may_be_allowed() -> None:
    slightly = arm("candidate", noisy(104, 10, 1))

    assert compared(BASELINE, slightly, max_regression=0).outcome.gate == "FAIL"
    assert compared(slightly, BASELINE, max_regression=0, threshold=0).outcome.exit_code == 0


def test_a_run_that_took_no_time_is_named() -> None:
    still = arm("candidate", [*noisy(100, 4), {"price": 0.0}])

    with pytest.raises(InputError, match="candidate-5 of candidate has no time at all"):
        compared(BASELINE, still)
