"""Known differences of real backtests, from one run or two of each arm."""

from __future__ import annotations

import shlex
import sys

import pytest

import rbtrace
from tests.benchmarks.experiments import EXPERIMENTS, same_work
from tests.engine.conftest import RBTRACE, run

PLANTED = [sys.executable, "-m", "tests.benchmarks.planted"]


@pytest.fixture(scope="module")
def compared(engine_data, tmp_path_factory):
    """Measure two arms through `rbtrace bench` and compare them."""

    def measure(pairs: int, baseline: str = "", candidate: str = ""):
        out = tmp_path_factory.mktemp("bench") / "out"
        arms = [
            shlex.join([*PLANTED, "--data", str(engine_data), *shlex.split(planted)])
            for planted in (baseline, candidate)
        ]
        run([str(RBTRACE), "bench", "--baseline", arms[0], "--candidate", arms[1],
             "--pairs", str(pairs), "--warmup", "0", "-o", str(out)])  # fmt: skip
        return rbtrace.compare(out).results

    return measure


def test_identical_arms_do_the_same_work(compared) -> None:
    found = compared(1)

    assert same_work(found)
    assert found.work.calls_baseline.least > 1_000
    assert found.outcome.decision == "INCONCLUSIVE"


def test_one_more_price_is_found_with_its_path_and_excess(engine_data, tmp_path) -> None:
    (tmp_path / "rustybt-data").symlink_to(engine_data)
    evidence = [sys.executable, "-m", "tests.benchmarks.evidence", "-o", str(tmp_path)]

    run([*evidence, "one-more-price", "--report", str(tmp_path / "report.md")])

    report = (tmp_path / "report.md").read_text()
    assert "| yes |" in report
    path = "run_algorithm > TradingAlgorithm.run > TradingAlgorithm.handle_data"
    (row,) = rbtrace.compare(tmp_path / "one-more-price").results.work.differences
    assert row.path == [*path.split(" > "), "DataPortal.get_spot_value"]
    assert row.excess == row.baseline.least > 50
    before = (tmp_path / "one-more-price" / "runs.jsonl").read_bytes()
    again = run([*evidence, "one-more-price", "another-result", "--report-only"])
    assert (tmp_path / "one-more-price" / "runs.jsonl").read_bytes() == before
    assert "Not measured: another-result." in again


def test_another_portfolio_value_is_not_called_faster(compared) -> None:
    experiment = EXPERIMENTS["another-result"]

    found = compared(1, experiment.baseline, experiment.candidate)

    assert found.same_result is False
    assert found.work.same
    assert found.outcome.open[0].startswith("not the same computation")


def test_what_is_planted_in_the_portal_is_measured_there(compared) -> None:
    found = compared(1, candidate="--slower 100")

    assert found.work.same
    assert found.operations[0].name == "DataPortal.get_history_window"
    assert found.operations[0].contribution > 0.5 * found.log_ratio
