from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rbtrace.errors import RbtraceError
from tests.benchmarks.analyzing.bench import take_turns
from tests.benchmarks.analyzing.known import (
    KNOWN_SELF_NS,
    US,
    generated,
    greatest_error,
    known_trace,
    true_self_ns,
)
from tests.benchmarks.analyzing.peers.catalogue import PEERS
from tests.benchmarks.analyzing.programs import OTLP_JSON, OURS, Arm, Program, SelfTimes
from tests.benchmarks.analyzing.report import per_span, verdict

BENCH = [sys.executable, "-m", "tests.benchmarks.analyzing.bench"]


def _arm(program: Program, spans: int, *cpu_s: float) -> Arm:
    return Arm(program, Path(), spans, list(cpu_s), [1_000_000] * len(cpu_s))


def _program(*command: str) -> Program:
    return Program("some", OTLP_JSON, command, lambda said: SelfTimes({"run_algorithm": int(said)}))


@pytest.mark.parametrize("unit_ns", [1, US])
def test_the_yardstick_finds_what_was_worked_out_by_hand(unit_ns: Any) -> None:
    assert true_self_ns(iter([known_trace()]), unit_ns) == KNOWN_SELF_NS


def test_self_times_of_generated_traces_sum_to_more_than_the_roots_as_children_overlap() -> None:
    roots = sum(int(one.end[0] - one.start[0]) for one in generated(1))

    assert sum(true_self_ns(generated(1), 1).values()) > roots


def test_what_is_furthest_off_is_named() -> None:
    found = {**KNOWN_SELF_NS, "read_window": 9_000_000, "run_algorithm": 39_999_999}

    assert greatest_error(found, KNOWN_SELF_NS) == ("read_window", 0.5)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (SelfTimes(KNOWN_SELF_NS), "right"),
        (SelfTimes({**KNOWN_SELF_NS, "run_algorithm": 40_100_000}), "right"),
        (
            SelfTimes({**KNOWN_SELF_NS, "run_algorithm": 20_000_000}),
            "wrong: run_algorithm 20.0 ms, not 40.0 ms",
        ),
        (
            SelfTimes({}, critical_path_ns=105_000_000),
            "on the critical path only, which is 105.0% of the roots",
        ),
    ],
)
def test_verdicts(found: Any, words: Any) -> None:
    arm = _arm(OURS[0], known_trace().span_id.size)
    arm.output = found

    assert verdict(arm, KNOWN_SELF_NS) == words


def test_cost_per_span_is_without_start_up() -> None:
    arms = [
        _arm(program, spans, cpu_s, cpu_s + 1)
        for spans, cpu_s in ((1_000, 0.5), (101_000, 0.7), (1_001_000, 3.0))
        for program in OURS[:2]
    ]

    costs = per_span(arms)

    titles = [column.title for column in costs.columns]
    assert titles == ["program", "101000 spans, µs", "1001000 spans, µs", "greatest ÷ least"]
    expected = [[program.name, "2.00", "2.50", "1.25"] for program in OURS[:2]]
    assert [row.cells for row in costs.rows] == expected


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    arm = Arm(_program(sys.executable, "-c", "import time; time.sleep(600)"), tmp_path, 1)

    arm.run(limit_s=0.5)

    assert arm.problem == "took longer than 0.5 s"
    assert not arm.cpu_s


def test_of_a_program_that_fails_the_last_line_is_kept(tmp_path: Path) -> None:
    arm = Arm(_program(sys.executable, "-c", "import sys; sys.exit('first\\nlast')"), tmp_path, 1)

    arm.run(limit_s=60)

    assert arm.problem == "failed: last"


def test_time_and_memory_are_those_of_the_process(tmp_path: Path) -> None:
    burn = "import time; x = b'1' * 200_000_000\nwhile time.process_time() < 0.3: pass\nprint(7)"
    arm = Arm(_program(sys.executable, "-c", burn), tmp_path, 1)

    arm.run(limit_s=60)

    assert arm.cpu_s[0] >= 0.3
    assert arm.peak_bytes[0] >= 200_000_000
    assert arm.output == SelfTimes({"run_algorithm": 7})


def test_a_peer_that_failed_is_not_given_more(tmp_path: Path) -> None:
    fails = _program(sys.executable, "-c", "import sys; sys.exit('too much')")
    works = _program(sys.executable, "-c", "print(7)")
    small, great, of_other = (
        Arm(fails, tmp_path, 10),
        Arm(fails, tmp_path, 20),
        Arm(works, tmp_path, 20),
    )

    take_turns([small, great, of_other], rounds=2, limit_s=60)

    assert small.problem == "failed: too much"
    assert great.problem == "not run: with 10 spans failed: too much"
    assert len(of_other.cpu_s) == 2


def test_where_rbtrace_fails_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(RbtraceError, match=r"rbtrace, JSON, 1 spans: failed: .*nothing"):
        take_turns([Arm(OURS[1], tmp_path / "nothing", 1)], rounds=1, limit_s=60)


def test_without_any_peer_the_report_says_how_to_get_them(tmp_path: Path) -> None:
    report = tmp_path / "analyzing.md"

    subprocess.run(
        [*BENCH, "--spans", "1500", "--rounds", "1", "--peers", tmp_path, "--report", report],
        check=True,
        capture_output=True,
    )

    said = report.read_text(encoding="utf-8")
    for program in OURS:
        rows = [line for line in said.splitlines() if line.startswith(f"| {program.name} |")]
        assert len(rows) == 3  # two sizes, and the cost per span
        assert all(row.endswith("| right | right |") for row in rows[:2])
    assert "Measured on cpu " in said
    for peer in PEERS:
        assert f"| {peer.title} | not installed: make bench-analyze PEERS=1" in said
