from __future__ import annotations

import math
import subprocess
import sys

import pytest

from rbtrace.scenarios.overhead import ARMS, MEASURES, Run, table

OVERHEAD = [sys.executable, "-m", "rbtrace.scenarios.overhead"]


def test_the_table_has_every_measure_with_ratios_to_off():
    runs = {
        "off": [Run(1.0, 0.5, 0.5, 7.0), Run(1.1, 0.55, 0.55, 7.0)],
        "summary": [Run(1.01, 0.51, 0.51, 7.0), Run(1.133, 0.561, 0.561, 7.0)],
        "calls": [Run(2.0, 1.0, 1.0, 7.0), Run(2.2, 1.1, 1.1, 7.0)],
    }

    header, rule, *rows = table(runs)

    assert header == "| measure | off | summary | calls | summary ÷ off | calls ÷ off |"
    assert rule.count("|") == header.count("|")
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in MEASURES.values()]
    ratio = math.sqrt(1.01 * 1.133 / 1.1)
    half = 12.7062 * math.log((1.133 / 1.1) / 1.01) / 2  # Student's t with one degree of freedom
    low, high = ratio * math.exp(-half), ratio * math.exp(half)
    assert f"| {ratio:.3f} [{low:.3f}, {high:.3f}] | 2.000 (no interval) |" in rows[0]
    assert "| 1.050 s |" in rows[0]


def test_one_round_says_that_it_is_one():
    runs = {arm: [Run(1.0, 1.0, 1.0, 7.0)] for arm in ARMS}

    assert all("1.000 (no interval)" in row for row in list(table(runs))[2:])


@pytest.mark.parametrize("pairs", ["0", "-1", "many"])
def test_a_bad_number_of_pairs_is_one_clear_line(pairs):
    done = subprocess.run(
        [*OVERHEAD, "--pairs", pairs], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Invalid value for '--pairs'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.engine
@pytest.mark.slow
def test_one_round_on_the_real_engine():
    pytest.importorskip("rustybt", reason="needs the extra demo", exc_type=ImportError)

    done = subprocess.run(
        [*OVERHEAD, "--pairs", "1", "--turns", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# What tracing costs")
    assert "| measure | off | summary | calls |" in done.stdout
    assert sorted(line.split()[2] for line in done.stderr.splitlines()) == sorted(ARMS)
