"""Batch initialisation: its arithmetic, and the whole study on the real engine."""

from __future__ import annotations

import pytest

from rbtrace.studies.batch_init.figures import (
    INITIALIZE,
    LOAD,
    RUN,
    WHOLE,
    WHOLE_SPAN,
    agreements,
    batch_workers,
    by_size,
    initialisation,
    laws,
    tracing,
)
from rbtrace.studies.batch_init.report import findings
from rbtrace.studies.shared_tables import TwoClocks
from tests.studies.made_up import measured
from tests.studies.quick_run import Left, of_whole_studies
from tests.support.spans import Span, evaluated


def worker(assets, cold, warm, *, traced=True, sessions=21):
    """A worker whose backtests took `cold` and `warm` ns to be initialised."""
    batch = [
        {WHOLE: 1000 + init, RUN: 1010, INITIALIZE: 10, LOAD: init // 2} for init in (cold, *warm)
    ]
    return measured(
        {"do": "batch", "assets": assets, "sessions": sessions},
        {
            "backtests": batch,
            "before_bytes": 100,
            "resident_bytes": [200 + 5 * place for place in range(len(batch))],
            "peak_bytes": 300,
        },
        traced=traced,
        run_id=f"{assets}",
    )


def test_initialisation_is_all_but_the_run_and_the_strategys_own_part():
    assert initialisation({WHOLE: 1000, RUN: 700, INITIALIZE: 50}) == 350


def test_the_first_backtest_is_cold_and_the_others_are_warm():
    (one,) = batch_workers([worker(10, 9000, [100, 300, 200])])

    assert (one.cold, one.warm, one.warm_phase(LOAD)) == (9000, 200, 100)
    assert one.warm_sums == (600, 3600)
    assert one.growth == 5


def test_untraced_workers_are_no_part_of_the_sizes():
    found = batch_workers(
        [worker(20, 9, [1]), worker(10, 9, [1]), worker(10, 9, [1], traced=False)]
    )

    assert [(key, len(group)) for key, group in by_size(found).items()] == [
        ((21, 10), 1),
        ((21, 20), 1),
    ]


def test_the_law_is_that_of_the_shortest_batches():
    short = [worker(n, 10**9, [10**6 * n]) for n in (10, 20, 50, 100)]
    long = [worker(n, 10**9, [10**9], sessions=251) for n in (10, 100)]

    warm = next(
        one for one in laws(batch_workers(short + long)) if one.quantity == "warm initialisation"
    )

    assert warm.assets == [10, 20, 50, 100]
    assert warm.law.c == pytest.approx(1, abs=1e-3)
    assert warm.law.at(50) == pytest.approx(0.05, rel=1e-4)


def test_three_sizes_make_no_law():
    assert all(
        one.law is None for one in laws(batch_workers([worker(n, 9, [1]) for n in (1, 2, 3)]))
    )


def test_spans_are_checked_against_the_stopwatch_of_traced_workers_only():
    found = batch_workers([worker(10, 900, [100]), worker(10, 5000, [1], traced=False)])
    spans = [Span(1, WHOLE_SPAN, 0, 2900), Span(2, "bundles.load", 10, 500, 1)]

    both = agreements(found, evaluated(spans))

    assert list(both)[-1] == WHOLE
    assert both[WHOLE] == TwoClocks(1, 1900 + 1100, 2900)
    assert both[LOAD].ratio == 490 / 500
    assert both["calendar"].ratio is None


def test_what_tracing_adds_is_told_of_sizes_that_were_measured_both_ways():
    plain = [worker(number, 9, [100], traced=False) for number in (10, 20)]

    (one,) = tracing(
        batch_workers([*plain, worker(20, 9, [110]), worker(20, 9, [500], sessions=251)])
    )

    assert (one.assets, one.compared.ratio) == (20, pytest.approx(1.1))


def findings_of(*sizes):
    found = batch_workers([worker(number, 2000 + 4 * number, [200 * number]) for number in sizes])
    agreed = {
        LOAD: TwoClocks(9, 1_000, 980),
        "calendar": TwoClocks(9, 999, 500),
        WHOLE: TwoClocks(9, 100_000, 99_900),
    }
    return findings(found, laws(found), agreed)


def test_findings_say_how_well_spans_and_stopwatch_agree():
    assert findings_of(5, 10)[-1] == (
        "The spans of whole backtests add up to 0.9990 of what a stopwatch around the same calls "
        "shows; those of the phases that take 1.0 % of the time and more, to 0.9800 … 0.9990."
    )


def test_figures_published_earlier_stand_beside_the_same_sizes():
    (told,) = (line for line in findings_of(10, 100, 500) if line.startswith("Published"))

    assert told.startswith(
        "Published earlier: 100.0 ms at 10 assets (here 2.000 µs warm, 2.040 µs cold) and "
        "892.0 ms at 500 assets (here 100.0 µs warm, 4.000 µs cold), 8.9 times as long for 50 "
        "times the assets; here 50.0 times warm and 2.0 cold."
    )
    assert not any(line.startswith("Published") for line in findings_of(10, 100))


@of_whole_studies
def test_the_whole_study_on_the_real_engine(quick):
    left = Left(quick / "batch-init")

    left.assert_complete(cases=6)
    assert "TradingAlgorithm.handle\\_data" in left.report
    # The stopwatch and the spans measured the same calls.
    agreements = [
        (row[0], float(row[-1])) for row in left.rows("Check: a stopwatch that is not rbtrace")
    ]
    assert len(agreements) == 10
    assert all(ratio <= 1.0001 for _, ratio in agreements), agreements
    for phase, ratio in agreements:
        # Between the two clocks a process may lose its core: that is seen in short phases only.
        assert phase not in {LOAD, RUN, WHOLE} or ratio > 0.95, agreements
    for run in left.runs[1:]:
        # Memory by /proc in the process, and by the kernel to the one that waited for it.
        assert run["peak_bytes"] == pytest.approx(run["found"]["peak_bytes"], rel=0.02)
        assert run["found"]["portfolio_value"] > 0
    assert left.picture("scaling.svg").startswith("<svg")
