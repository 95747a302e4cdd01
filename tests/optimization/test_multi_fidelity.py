"""The multi-fidelity searches, by themselves and in rustybt's own optimizers."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from importlib.util import find_spec
from statistics import median

import numpy as np
import pytest

pytest.importorskip("rustybt", reason="needs the extra rustybt", exc_type=ImportError)
pytest.importorskip("optuna", reason="needs the extra optuna", exc_type=ImportError)

from rustybt.optimization.objective import ObjectiveFunction
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.parallel_optimizer import ParallelOptimizer
from rustybt.optimization.parameter_space import (
    CategoricalParameter,
    ContinuousParameter,
    DiscreteParameter,
    ParameterSpace,
)

from rbtrace.errors import MissingExtraError, SearchError
from rbtrace.optimization.bohb import BohbSearch
from rbtrace.optimization.multi_fidelity import MultiFidelitySearch

pytestmark = pytest.mark.engine

LEVELS = (10, 30, 90)

needs_bohb = pytest.mark.skipif(find_spec("hpbandster") is None, reason="needs the extra bohb")
both = pytest.mark.parametrize(
    "kind", [MultiFidelitySearch, pytest.param(BohbSearch, marks=needs_bohb)]
)


def space(width=8):
    return ParameterSpace(
        parameters=[
            DiscreteParameter(name="fast", min_value=1, max_value=width, step=1),
            CategoricalParameter(name="sessions", choices=list(LEVELS)),
            CategoricalParameter(name="slow", choices=[10, 20, 40, 80]),
        ]
    )


def peak(params):
    """Best at fast 6 and slow 40; the lower the fidelity, the more it is blurred."""
    distance = abs(params["fast"] - 6) + abs([10, 20, 40, 80].index(params["slow"]) - 2)
    return -distance - (params["fast"] * 7 % 5) * 3 / params["sessions"]


def score(params):
    """The objective of a `ParallelOptimizer`."""
    return Decimal(str(peak(params)))


def run(search, evaluate=peak):
    """The trials of a search until it is complete: parameters, in order."""
    told = []
    while not search.is_complete():
        params = search.suggest()
        search.update(params, Decimal(str(evaluate(params))))
        told.append(params)
    return told


def optimizer(search, **options):
    return Optimizer(
        search.parameter_space,
        search,
        ObjectiveFunction("sharpe_ratio"),
        options.pop("evaluate", lambda p: {"performance_metrics": {"sharpe_ratio": peak(p)}}),
        options.pop("max_trials", 1000),
        **options,
    )


def configuration(params):
    return params["fast"], params["slow"]


def searched(kind, seed):
    search = kind(space(), "sessions", budget=16 * 90, seed=seed)
    found = optimizer(search)
    found.optimize()
    return search, found.get_history()


@both
def test_rustybts_optimizer_searches_for_less_than_a_grid(kind):
    search, history = searched(kind, seed=3)

    assert search.get_best_params() == search.get_best_result()[0]
    assert search.get_best_result()[1] == max(
        result.score for result in history if result.params["sessions"] == 90
    )
    assert search.spent == sum(result.params["sessions"] for result in history)
    assert 16 * 90 <= search.spent < 17 * 90


def test_it_finds_the_peak():
    search, _ = searched(MultiFidelitySearch, seed=3)
    assert search.get_best_params() == {"fast": 6, "sessions": 90, "slow": 40}


@needs_bohb
def test_bohb_finds_the_peak_or_what_is_next_to_it():
    """What it draws differs between processors, by how they round: the median of five searches."""
    scores = [searched(BohbSearch, seed)[0].get_best_result()[1] for seed in range(5)]
    assert median(scores) >= peak({"fast": 7, "sessions": 90, "slow": 40})


def test_no_configuration_is_evaluated_twice_at_a_level_and_each_climbs_level_by_level():
    told = run(MultiFidelitySearch(space(), "sessions", budget=20 * 90, seed=1))

    assert max(Counter(map(str, told)).values()) == 1
    climbed = defaultdict(list)
    for params in told:
        climbed[configuration(params)].append(params["sessions"])
    assert len(climbed) > 20
    ladders = {tuple(levels) for levels in climbed.values()}
    assert ladders <= {(10,), (10, 30), (10, 30, 90), (30,), (30, 90), (90,)}
    assert {(10,), (30,), (90,)} <= ladders


def test_who_goes_on_is_among_the_best_third_of_its_bracket_so_far():
    told = run(MultiFidelitySearch(space(), "sessions", budget=12 * 90, seed=2))

    first = [params for params in told if params["sessions"] == 10]
    went_on = {configuration(p) for p in told if p["sessions"] > 10}
    for place, params in enumerate(first):
        so_far = sorted((peak(one) for one in first[: place + 1]), reverse=True)
        best = so_far[: max(1, len(so_far) // 3)]
        assert (configuration(params) in went_on) == (peak(params) >= best[-1])


@both
def test_the_seed_decides_everything(kind):
    runs = [run(kind(space(), "sessions", 900, seed=seed)) for seed in (1, 1, 2)]

    assert runs[0] == runs[1] != runs[2]


def test_a_whole_space_is_searched_once_and_then_it_is_complete():
    search = MultiFidelitySearch(space(width=2), "sessions", budget=10**9, seed=1)

    told = run(search)

    assert len({configuration(params) for params in told}) == 8
    with pytest.raises(SearchError, match="the search is complete"):
        search.suggest()


@both
def test_two_processes_share_a_search(kind):
    search = kind(space(), "sessions", budget=16 * 90, seed=5)
    parallel = ParallelOptimizer(search, n_jobs=2, verbose=False)

    parallel.run(score)

    statistics = parallel.get_worker_statistics().values()
    assert sum(one.evaluations_failed for one in statistics) == 0
    assert sum(one.evaluations_completed for one in statistics) == search.iteration
    assert search.get_best_result()[1] == score(search.get_best_params())
    assert search.get_best_params()["sessions"] == 90


@both
def test_a_checkpoint_of_rustybts_goes_on_where_it_ended(tmp_path, kind):
    def make():
        return kind(space(), "sessions", budget=12 * 90, seed=7)

    whole = optimizer(make())
    whole.optimize()
    part = optimizer(make(), max_trials=20, checkpoint_dir=tmp_path, checkpoint_frequency=20)
    part.optimize()

    again = optimizer(make())
    again.load_checkpoint(tmp_path / "checkpoint_trial_20.json")
    again.optimize()

    told = [[(one.params, one.score) for one in run.get_history()] for run in (whole, again)]
    assert told[0] == told[1]


def test_what_was_suggested_and_never_scored_is_suggested_again():
    search = MultiFidelitySearch(space(), "sessions", budget=12 * 90, seed=7)
    lost = [search.suggest() for _ in range(3)]
    search.update(lost[1], Decimal(1))
    state = json.loads(json.dumps(search.get_state()))

    for _ in range(2):  # and once more: a state tells of the state before
        again = MultiFidelitySearch(space(), "sessions", budget=12 * 90, seed=99)
        again.set_state(state)
        state = json.loads(json.dumps(again.get_state()))

    assert again.spent == 10
    # The one that was scored goes on: it was the only one.
    found = [again.suggest() for _ in range(3)]
    assert found == [lost[0], lost[2], lost[1] | {"sessions": 30}]


@both
def test_a_failed_backtest_is_stopped_and_the_search_goes_on(kind):
    def sometimes(params):
        if params["fast"] % 2:
            raise ValueError("no prices")
        return {"performance_metrics": {"sharpe_ratio": peak(params)}}

    search = kind(space(), "sessions", budget=16 * 90, seed=4)
    found = optimizer(search, evaluate=sometimes)
    found.optimize()

    failed = [result.params for result in found.get_history() if result.error]
    assert failed
    assert search.get_best_params()["fast"] % 2 == 0
    assert search.spent >= 16 * 90
    if kind is MultiFidelitySearch:
        assert max(Counter(map(configuration, failed)).values()) == 1
        assert search.get_best_params() == {"fast": 6, "sessions": 90, "slow": 40}


@both
def test_every_kind_of_parameter_is_drawn_within_its_bounds(kind):
    wide = ParameterSpace(
        parameters=[
            ContinuousParameter(name="plain", min_value=-1, max_value=1),
            ContinuousParameter(
                name="log", min_value=Decimal("0.001"), max_value=10, prior="log-uniform"
            ),
            CategoricalParameter(name="any", choices=["ema", None, (1, 2)]),
            DiscreteParameter(name="days", min_value=20, max_value=60, step=20),
        ]
    )
    search = kind(wide, "days", budget=3000, seed=1)

    told = run(search, lambda params: params["plain"])

    for params in told:
        wide.validate_params(params)
    assert {params["any"] for params in told} == {"ema", None, (1, 2)}
    assert {params["days"] for params in told} == {20, 40, 60}
    assert sum(params["log"] < 0.1 for params in told) > len(told) / 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fidelity": "bars"}, "no parameter is called 'bars'; there are fast, sessions, slow"),
        ({"budget": 0}, "budget is 0"),
        ({"reduction": 1}, "reduction is 1"),
    ],
)
def test_impossible_settings_are_named(options, said):
    with pytest.raises(SearchError, match=said):
        MultiFidelitySearch(space(), **{"fidelity": "sessions", "budget": 100} | options)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([CategoricalParameter(name="n", choices=["a", "b"])], "have to be positive numbers"),
        ([ContinuousParameter(name="n", min_value=0, max_value=1)], "is continuous"),
        ([CategoricalParameter(name="n", choices=[1, 2])], "no parameter besides the fidelity"),
    ],
)
def test_a_fidelity_has_levels_and_something_to_search(parameters, said):
    with pytest.raises(SearchError, match=said):
        MultiFidelitySearch(ParameterSpace(parameters=parameters), "n", 100)


def test_a_score_for_what_was_not_suggested_is_refused():
    search = MultiFidelitySearch(space(), "sessions", budget=900, seed=1)
    params = search.suggest()
    search.update(params, Decimal(1))

    with pytest.raises(SearchError, match="not suggested"):
        search.update(params, Decimal(1))
    with pytest.raises(SearchError, match="no configuration was evaluated"):
        search.get_best_params()


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [
        (MultiFidelitySearch, "optuna", "optuna"),
        (BohbSearch, "hpbandster.optimizers.config_generators.bohb", "bohb"),
    ],
)
def test_a_missing_library_is_said_with_its_remedy(monkeypatch, kind, package, extra):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError, match=rf"pip install 'rbtrace\[{extra}\]'"):
        kind(space(), "sessions", budget=900)


@needs_bohb
def test_bohb_halves_when_a_level_is_done():
    told = run(BohbSearch(space(), "sessions", budget=270, seed=2))

    # Its first bracket: nine, of which the best three, of which the best.
    assert [params["sessions"] for params in told][:13] == [10] * 9 + [30] * 3 + [90]
    best = sorted(told[:9], key=peak, reverse=True)
    assert sorted(map(peak, told[:9]), reverse=True)[2] <= min(
        peak(params | {"sessions": 10}) for params in told[9:12]
    )
    assert configuration(told[9]) in map(configuration, best[:3])


@needs_bohb
def test_bohb_leaves_the_randomness_of_others_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - it is the global one

    run(BohbSearch(space(), "sessions", budget=900, seed=1))

    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@both
def test_libraries_say_nothing(capfd, kind):
    run(kind(space(), "sessions", budget=900, seed=1))

    assert capfd.readouterr() == ("", "")
