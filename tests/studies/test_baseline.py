"""The baseline: its arithmetic, its strategy's steps, and the whole study on the real engine."""

from __future__ import annotations

import cProfile
import pstats
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from rbtrace.analysis.breakdowns import CallPathTime
from rbtrace.studies.baseline import figures, strategy
from rbtrace.studies.baseline.plan import Calls
from rbtrace.studies.baseline.report import findings
from tests.studies.quick_run import Left, of_whole_studies

TIMES = {
    figures.WHOLE: 1000,
    figures.HISTORY: 300,
    figures.ON_BAR: 700,
    figures.ASK: 320,
    figures.TRADE: 80,
    figures.EXTRACT: 60,
    figures.FILTER: 150,
    figures.CONVERT: 30,
    figures.COMPUTE: 50,
}

NAMES = figures.PARTS.keys()


def group(*times):
    found = figures.Group(figures.Workload("daily", 10, 63))
    found.times[figures.SPANS] = list(times)
    return found


def test_user_code_is_the_bars_without_what_the_engine_did_in_them():
    assert figures.user_code(TIMES) == 300
    assert figures.framework(TIMES) == 700
    assert figures.wrangling(TIMES) == 240


def test_the_shares_are_of_framework_time_and_of_user_code():
    found = group(TIMES)

    assert found.share(figures.HISTORY_SHARE).share == pytest.approx(300 / 700)
    assert found.share(figures.WRANGLING_SHARE).share == pytest.approx(240 / 300)
    assert found.share(figures.HISTORY_SHARE, figures.CPROFILE) is None


def test_the_parts_add_up_to_the_whole():
    assert sum(figures.parts_of_whole(group(TIMES, TIMES)).values()) == 2 * TIMES[figures.WHOLE]


def test_overhead_is_all_but_the_computation_and_its_interval_is_that_of_the_share():
    several = [TIMES | {figures.COMPUTE: spent} for spent in (45, 50, 55, 48, 52)]

    share = group(*several).share(figures.COMPUTED_SHARE)

    found = figures.Overhead.of(share)

    assert found.ratio == pytest.approx(950 / 50)
    low, high = found.ci
    assert low < found.ratio < high
    assert (1 / (1 + high), 1 / (1 + low)) == pytest.approx(share.ci)


def test_only_spans_beneath_the_measured_one_count():
    def path(*names, total):
        return CallPathTime(path=list(names), calls=1, total_ns=total, self_ns=total, share=None)

    beneath = (figures.MEASURED, "run_algorithm")
    found = figures.times_of_paths(
        [
            path("run_algorithm", total=7),
            path(*beneath, total=100),
            path(*beneath, "DataPortal.get_history_window", total=20),
            path(*beneath, "strategy.on_bar", "DataPortal.get_history_window", total=3),
        ]
    )

    assert (found[figures.WHOLE], found[figures.HISTORY]) == (100, 23)
    assert found[figures.COMPUTE] == 0


def test_cprofile_knows_the_functions_by_file_and_name():
    prices = {"A": np.linspace(10, 11, 20)}
    profile = cProfile.Profile()
    with profile:
        strategy.compute(prices)

    found = figures.times_of_profile(pstats.Stats(profile))

    assert found[figures.COMPUTE] > 0
    assert {name for name, spent in found.items() if spent} == {figures.COMPUTE}


def test_filtering_keeps_traded_bars_of_assets_that_have_enough():
    closes = pd.DataFrame({"A": np.arange(20.0), "B": [np.nan] * 10 + [1.0] * 10})
    volumes = pd.DataFrame({"A": [0.0] + [5.0] * 19, "B": [5.0] * 20})

    found = strategy.usable(closes, volumes)

    assert list(found) == ["A"]
    assert found["A"].tolist() == list(range(1, 20))


def test_conversion_gives_arrays_of_doubles():
    (found,) = strategy.convert({"A": pd.Series([1, 2])}).values()

    assert (found.dtype, found.tolist()) == (np.float64, [1.0, 2.0])


def test_computation_ranks_a_steady_rise_above_a_fall():
    noise = np.tile([0.0, 0.1], 15)
    rise = 10 + np.linspace(0, 1, 30) + noise

    found = strategy.compute({"up": rise, "down": rise[::-1].copy(), "still": np.full(30, 5.0)})

    assert found["up"] > 0 > found["down"]
    assert found["still"] == 0.0


def test_a_call_is_charged_with_its_peak_and_with_what_it_leaves():
    calls = Calls()
    kept = calls.call(lambda: bytearray(300_000))
    calls.call(lambda: len(bytearray(500_000)))
    with pytest.raises(ZeroDivisionError):
        calls.call(lambda: 1 / 0)

    assert len(kept) == 300_000
    assert not tracemalloc.is_tracing()
    assert calls.peak == pytest.approx([300_000, 500_000], abs=5_000)
    assert calls.net == pytest.approx([300_000, 0], abs=5_000)


def test_the_findings_say_what_differs_and_how_far_the_means_agree():
    found = group(*(TIMES | {figures.HISTORY: spent} for spent in (290, 300, 310, 295, 305)))
    found.times[figures.STOPWATCH] = [TIMES | {figures.HISTORY: 307}]
    found.backtests, found.self_ns = 5, {"AnOperation": 140, "strategy.filter": 750}
    found.memory = [figures.Memory(1, 2, None, [2048, 4096, 2048], [1024, 1024, 0])]

    told = "\n".join(findings([found]))

    assert "DataPortal.history is 42.9 % (daily, 10 assets, 63 sessions) of framework" in told
    assert "AnOperation takes the most of the framework's time in itself, 4.0 % of it" in told
    assert "Data wrangling is 80.0 % (daily, 10 assets, 63 sessions) of user code" in told
    assert "Its greatest part: daily, 10 assets, 63 sessions: filtering 50.0 %" in told
    assert "daily, 10 assets, 63 sessions: 19 : 1; 74 : 1 was published" in told
    assert "2.0 KiB at most at a time, 1.0 KiB still held at its end" in told
    assert "in points of per cent: stopwatch 1.0." in told


@of_whole_studies
def test_the_whole_study_on_the_real_engine(quick):
    left = Left(quick / "baseline")

    left.assert_complete(cases=5)
    assert left.picture("parts.svg").startswith("<svg")
    _, daily, minute, untraced, profiled = (run["found"] for run in left.runs)
    assert "baseline/strategy.py" in left.picture("flame.svg")
    # Tracing, profiling and watching change nothing of the result, nor does sampling.
    assert daily["portfolio_value"] == untraced["portfolio_value"] == profiled["portfolio_value"]
    assert 100_000 != minute["portfolio_value"] > 0
    # Two windows on each of 63 sessions.
    assert len(profiled["call_peak_bytes"]) == 126
    assert min(profiled["call_peak_bytes"]) > 20 * 10 * 8  # bars, assets, bytes of a double
    # The stopwatch and the spans measured the same calls.
    rows = left.rows("Check: a stopwatch that is not rbtrace")
    ratios = {row[0]: [float(row[3]), float(row[5])] for row in rows if row[0] in NAMES}
    assert ratios.keys() == NAMES
    for name in (figures.WHOLE, figures.ON_BAR, figures.FILTER):
        assert all(ratio <= 1.0001 for ratio in ratios[name]), ratios
    assert min(*ratios[figures.WHOLE], *ratios[figures.ON_BAR]) > 0.95, ratios
    # So short a part can lose the core for long between stopwatch and span; hardly in both.
    assert max(ratios[figures.FILTER]) > 0.95, ratios
