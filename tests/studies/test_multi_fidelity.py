"""Multi-fidelity search: its arithmetic, and the whole study on the real engine."""

from __future__ import annotations

import json

import pytest

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.errors import InputError
from rbtrace.studies.multi_fidelity.figures import (
    SearchData,
    SearchRun,
    level_figures,
    median_interval,
    times_to_targets,
)
from rbtrace.studies.multi_fidelity.plan import read_table
from rbtrace.studies.multi_fidelity.report import agreements
from rbtrace.studies.multi_fidelity.searches import (
    GRID,
    MULTI_FIDELITY,
    RANDOM,
    SEARCHES,
    SPACES,
    Evaluation,
    run_search,
)
from rbtrace.studies.multi_fidelity.stopping import stopping
from tests.studies.made_up import measured
from tests.studies.quick_run import Left, need, of_whole_studies

SPACE = SPACES["small"]
LOW, MIDDLE, WHOLE = SPACE.levels
CONFIGURATIONS = range(len(SPACE.configurations))


def evaluation(configuration, level, score=None):
    """The higher its place the better, in the whole window; the lowest level knows nothing."""
    known = (configuration % 3, configuration // 2, configuration)[level]
    score = float(known) if score is None else score
    return Evaluation(configuration, level, score, SPACE.levels[level], 0)


def findings(replays=(), runs=()):
    table = [
        evaluation(one, level)._replace(ns=1000 * SPACE.levels[level])
        for one in CONFIGURATIONS
        for level in range(3)
    ]
    return SearchData(SPACE, table, list(replays), list(runs))


def run(*evaluations, search=MULTI_FIDELITY, seed=1):
    return SearchRun(search, seed, [evaluation(*one) for one in evaluations])


def test_regret_falls_with_whole_windows_only():
    one = run((11, 0), (3, 2), (11, 1), (11, 2), (5, 2))

    curve = list(findings().curve(one))

    bars = [0, LOW, LOW + WHOLE, LOW + WHOLE + MIDDLE]
    assert curve[:4] == list(zip(bars, [11, 11, 8, 8], strict=True))
    assert [regret for _, regret in curve[4:]] == [0, 0]
    assert findings().regret_at(one, LOW + WHOLE - 1) == 11
    assert findings().regret_at(one, LOW + WHOLE) == 8


def test_a_target_is_a_regret_that_a_part_of_the_space_has():
    told = [(one.name, one.regret, one.configurations) for one in findings().targets]

    # Of twelve, a tenth is two, a twentieth the best itself.
    assert told == [("best 10 %", 1.0, 2), ("the best", 0.0, 1)]


def test_what_comes_after_the_budget_is_censored_at_the_budget():
    found = findings()
    late = [(one, 2) for one in (0, 1, 2, 3, 4, 11)]
    early = [(11, 2)]

    times = found.times([run(*late), run(*early)], found.targets[-1])

    assert times.values == [SPACE.budget * WHOLE, WHOLE]
    assert times.reached == [False, True]


def test_searches_are_compared_with_the_multi_fidelity_one():
    replays = [run((11, 2), search=MULTI_FIDELITY, seed=seed) for seed in range(10)]
    replays += [run((0, 2), (11, 2), search=RANDOM, seed=seed) for seed in range(10)]
    replays += [run((0, 2), search=GRID, seed=seed) for seed in range(10)]

    told = {
        (one.target.name, one.search): (one.reached, one.median.value, one.p)
        for one in times_to_targets(findings(replays))
    }

    assert told["the best", MULTI_FIDELITY] == (10, WHOLE, None)
    assert told["the best", RANDOM][:2] == (10, 2 * WHOLE)
    assert told["the best", GRID][:2] == (0, None)
    assert all(told["the best", name][2] < 0.001 for name in (RANDOM, GRID))


def test_a_level_is_worth_what_its_order_is():
    low, middle, whole = level_figures(findings())

    assert (low.distinct, middle.distinct, whole.distinct) == (3, 6, 12)
    assert low.rank_correlation < middle.rank_correlation < whole.rank_correlation
    assert whole.rank_correlation == pytest.approx(1)
    assert (low.regret, middle.regret, whole.regret) == (9, 1, 0)
    assert whole.backtest_ns == 1000 * WHOLE
    assert low.bar_ns == 1000


def test_a_level_at_which_nothing_happens_has_no_order():
    found = findings()
    for at, one in enumerate(found.table):
        if one.level == 0:
            found.table[at] = one._replace(score=0.0)

    assert level_figures(found)[0].rank_correlation is None


def test_stopping_is_counted_where_it_happened_and_by_what_it_stopped():
    # 10 and 0 end at the lowest level, 11 in the middle, 4 and 5 get to the end; 7 is the last.
    one = run((10, 0), (0, 0), (4, 0), (4, 1), (4, 2), (11, 1), (5, 2), (7, 0))

    found = stopping(findings(), one)

    assert found.evaluated == [4, 2, 2]
    assert found.stopped == [2, 1, 0]
    assert found.good_evaluated == [1, 1, 0]
    assert found.good_stopped == [1, 1, 0]
    assert found.started == 6
    assert found.bars == 4 * LOW + 2 * MIDDLE + 2 * WHOLE
    assert found.better_stopped
    assert found.saved(WHOLE) == 1 - found.bars / (6 * WHOLE)


def test_stopping_what_is_worse_is_no_fault():
    found = stopping(findings(), run((3, 0), (11, 2)))

    assert not found.better_stopped
    assert sum(found.good_stopped) == 0


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ([], 2),
        ([(0, {"score": 2.0000000000000004})], 1),
        ([(1, {"level": 0})], 1),
        ([(0, {"bars": 1}), (1, {"configuration": 3})], 0),
    ],
)
def test_a_run_agrees_only_if_every_bit_of_it_does(changed, same):
    looked_up = run((2, 2), (4, 1))
    engine = SearchRun(
        MULTI_FIDELITY, 1, [one._replace(ns=7) for one in looked_up.evaluations], 100
    )
    for at, change in changed:
        engine.evaluations[at] = engine.evaluations[at]._replace(**change)

    (found,) = agreements(findings([looked_up], [engine]))

    assert found.same == same
    assert found.exact == (same == 2)


def test_a_run_that_is_shorter_does_not_agree():
    looked_up = run((2, 2), (4, 1))

    (found,) = agreements(findings([looked_up], [run((2, 2))]))

    assert (found.same, found.exact) == (1, False)


def test_a_median_has_an_interval_where_there_are_enough_values():
    assert median_interval([1, 2, 3]) is None
    low, high = median_interval(list(range(1, 31)))
    assert (low, high) == (10, 21)  # order statistics of thirty, from every table


def test_what_is_kept_is_read_as_it_was_measured():
    def kept(found, **settings):
        return measured({"space": "small"} | settings, json.loads(json.dumps(found)), traced=False)

    one = evaluation(3, 2, 0.1 + 0.2)
    found = SearchData.of(
        [
            kept({"evaluations": [one]}, do="table"),
            kept({"searches": [[RANDOM, 1, [one]]]}, do="replay"),
            kept({"evaluations": [one], "optimize_ns": 5}, do="search", search=RANDOM, seed=1),
        ]
    )

    assert found.table == [one]
    assert found.of_search(RANDOM) == [SearchRun(RANDOM, 1, [one])]
    assert found.runs == [SearchRun(RANDOM, 1, [one], 5)]
    assert agreements(found)[0].exact


@pytest.fixture
def engine():
    need("rustybt", "optuna")


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", SEARCHES)
def test_every_search_has_the_same_space_and_the_same_budget(name):
    runs = [run_search(name, seed, SPACE, evaluation).evaluations for seed in (1, 1, 2, 3)]

    assert runs[0] == runs[1]
    assert len({str(one) for one in runs}) == 3
    for done in runs:
        assert {one.configuration for one in done} <= set(CONFIGURATIONS)
        assert len({(one.configuration, one.level) for one in done}) == len(done)
        spent = sum(one.bars for one in done)
        assert SPACE.budget * WHOLE <= spent < (SPACE.budget + 1) * WHOLE
        assert name == MULTI_FIDELITY or {one.level for one in done} == {2}


@pytest.mark.parametrize("content", [None, b"[[1, 2", b"[]{"])
def test_a_table_that_is_gone_or_damaged_is_said(tmp_path, content):
    if content is not None:
        (tmp_path / "multi-fidelity").mkdir()
        (tmp_path / "multi-fidelity" / "small-1.json").write_bytes(content)

    with pytest.raises(InputError, match=r"small-1\.json cannot be read"):
        read_table(tmp_path, "small")


@of_whole_studies
def test_the_whole_study_on_the_real_engine(quick):
    left = Left(quick / "multi-fidelity")

    left.assert_complete(cases=3)
    assert "1 of 1 searches that ran real backtests" in left.report
    assert "nan" not in left.report.lower()
    assert left.picture("regret.svg").startswith("<svg")
    kept, _, search = left.runs
    table = {tuple(one[:2]): one for one in kept["found"]["evaluations"]}
    assert len(table) == len(SPACE.configurations) * len(SPACE.levels)
    assert all(one[3] == SPACE.levels[one[1]] for one in table.values())
    done = search["found"]["evaluations"]
    # The engine repeats what the table has, to the last bit.
    assert [one[:4] for one in done] == [table[tuple(one[:2])][:4] for one in done]
    results = analyze_paths([left.folder / "traces" / search["run_id"]])
    traced = {one.name: one for one in results.operations}
    assert traced["run_algorithm"].calls == len(done)
    assert traced["run_algorithm"].total_ns <= sum(one[4] for one in done)
    assert traced["Optimizer.optimize"].total_ns <= search["found"]["optimize_ns"]
    assert traced["MultiFidelitySearch.suggest"].calls == len(done)
