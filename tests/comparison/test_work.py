"""Work: exact differences from one run of each arm, and no verdict about different results."""

from __future__ import annotations

import pytest

from rbtrace.comparison.work import Counts, compare_results, compare_work
from rbtrace.errors import InputError
from tests.support.arms import PATH, arm, compared, noisy, whole

ONE_RUN = [{"price": 40.0, "order": 60.0}]


def test_one_run_of_each_arm_shows_the_exact_excess() -> None:
    found = compare_work(
        arm("baseline", ONE_RUN, calls={PATH: 82, PATH[:2]: 82, ("backtest",): 1}),
        arm("candidate", ONE_RUN, calls={PATH: 164, PATH[:2]: 82, ("backtest",): 1}),
    )

    (row,) = found.differences
    assert (row.path, row.baseline, row.candidate, row.excess) == (
        list(PATH), Counts(82, 82), Counts(164, 164), 82,
    )  # fmt: skip
    assert not found.same
    assert (found.paths, found.calls_baseline.least, found.calls_candidate.least) == (3, 165, 247)


def test_a_path_of_one_arm_only_differs_from_nothing() -> None:
    found = compare_work(
        arm("baseline", ONE_RUN, calls={PATH: 5}), arm("candidate", ONE_RUN, calls={PATH[:2]: 9})
    )

    assert [(row.path[-1], row.excess) for row in found.differences] == [
        ("handle_data", 9),
        ("price", -5),
    ]


def several(name: str, *counts: int):
    runs = [arm(name, ONE_RUN, calls={PATH: number}).runs[0] for number in counts]
    return arm(name, []).__class__(name, "traces", tuple(runs))


@pytest.mark.parametrize(
    ("baseline", "candidate", "differs", "varies"),
    [
        ((5, 5), (5, 5), False, False),
        ((5, 7), (6, 6), False, True),
        ((5, 7), (7, 9), False, True),
        ((5, 7), (8, 9), True, False),
        ((8, 9), (5, 7), True, False),
    ],
)
def test_counts_that_vary_differ_only_where_ranges_do(baseline, candidate, differs, varies) -> None:
    found = compare_work(several("baseline", *baseline), several("candidate", *candidate))

    assert bool(found.differences) is differs
    assert bool(found.varying) is varies
    assert found.same is not differs


def test_work_alone_decides_when_it_is_asked_for() -> None:
    slower = arm("candidate", noisy(300, 10))
    baseline = arm("baseline", noisy(100, 10))

    assert compared(baseline, slower).outcome.exit_code == 1
    assert compared(baseline, slower, work=True).outcome.exit_code == 0
    assert compared(baseline, slower, work=True, max_regression=10).outcome.exit_code == 1


def test_other_calls_fail_with_work_and_are_only_told_without() -> None:
    baseline = arm("baseline", ONE_RUN)
    candidate = arm("candidate", ONE_RUN, calls={PATH: 6})

    found = compared(baseline, candidate, work=True)

    assert found.outcome.exit_code == 1
    assert found.outcome.failed == ["the calls of 1 call path differ"]
    assert compared(baseline, candidate).outcome.exit_code == 3


def test_work_needs_a_record_of_calls() -> None:
    bare = arm("baseline", ONE_RUN)
    runs = tuple(run.__class__(run.name, run.measures, run.self_ns) for run in bare.runs)
    without = bare.__class__("baseline", "traces", runs)

    assert compared(without, bare).work is None
    with pytest.raises(InputError, match="no record of calls: --work needs traces"):
        compared(without, bare, work=True)


@pytest.mark.parametrize("pairs", [True, False])
def test_another_result_forbids_every_verdict(pairs: bool) -> None:
    baseline = arm("baseline", noisy(200, 10), pairs=pairs)
    faster = arm("candidate", noisy(100, 10, seed=1), pairs=pairs)
    cheating = arm("candidate", noisy(100, 10, seed=1), pairs=pairs, result="other")

    assert compared(baseline, faster).outcome.decision == "ACCEPT"
    found = compared(baseline, cheating)
    assert found.same_result is False
    assert found.outcome.decision == found.outcome.gate == "INCONCLUSIVE"
    assert found.outcome.open[0].startswith("not the same computation: the result")
    assert {one.decision for one in (*found.overall, *found.operations)} == {"INCONCLUSIVE"}
    assert found.outcome.exit_code == 3
    assert compared(baseline, cheating, work=True).outcome.exit_code == 1
    assert whole(found).ratio == pytest.approx(0.5, rel=0.1)


def test_an_arm_without_any_result_did_something_else() -> None:
    found = compare_results(arm("a", ONE_RUN), arm("b", ONE_RUN, result=""))

    assert found.same is False
    assert "b has no result" in found.reason


def test_without_results_nothing_is_said_about_them() -> None:
    found = compare_results(arm("a", ONE_RUN, result=""), arm("b", ONE_RUN, result=""))

    assert found.same is None
