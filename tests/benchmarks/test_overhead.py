from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks.overhead import ARMS, MEASURES, Figure, Round, table

OVERHEAD = [sys.executable, "-m", "tests.benchmarks.overhead"]


def _round(seconds: float, ratio: float) -> Round:
    figure = Figure(seconds, ratio)
    return Round(figure, figure, figure, portfolio_value=7.0)


def test_the_table_has_every_measure_with_ratios_to_off() -> None:
    rounds = {
        "off": [_round(1.0, 1.0), _round(1.1, 1.0)],
        "summary": [_round(1.01, 1.01), _round(1.133, 1.03)],
        "calls": [_round(2.0, 2.0), _round(2.2, 2.0)],
    }

    compared = table(rounds)

    titles = [column.title for column in compared.columns]
    assert titles == ["measure", "off", "summary", "calls", "summary ÷ off", "calls ÷ off"]
    assert [row.cells[0] for row in compared.rows] == list(MEASURES.values())
    ratio = math.sqrt(1.01 * 1.03)
    half = 12.7062 * math.log(1.03 / 1.01) / 2  # Student's t with one degree of freedom
    low, high = ratio * math.exp(-half), ratio * math.exp(half)
    _, *cells = compared.rows[0].cells
    assert cells[0] == "1.050 s"
    assert cells[3:] == [f"{ratio:.3f} ({low:.3f} … {high:.3f})", "2.000 (no interval)"]


def test_one_round_says_that_it_is_one() -> None:
    rounds = {arm: [_round(1.0, 1.0)] for arm in ARMS}

    assert all("1.000 (no interval)" in row.cells for row in table(rounds).rows)


@pytest.mark.parametrize("pairs", ["0", "-1", "many"])
def test_a_bad_number_of_pairs_is_one_clear_line(pairs: Any) -> None:
    done = subprocess.run(
        [*OVERHEAD, "--pairs", pairs], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Invalid value for '--pairs'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.engine
@pytest.mark.slow
def test_one_round_on_the_real_engine() -> None:
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)

    done = subprocess.run(
        [*OVERHEAD, "--pairs", "1", "--turns", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# What tracing costs")
    assert "| measure | off | summary | calls |" in done.stdout
    assert sorted(line.split()[2] for line in done.stderr.splitlines()) == sorted(ARMS)
