"""The result of a benchmark: never altered, and refused when it is not what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from rbtrace.comparison.bench.result import (
    PLAN,
    RUNS,
    Command,
    Plan,
    ProcessRun,
    append_pair,
    read_plan,
    read_runs,
    write_plan,
)
from rbtrace.errors import InputError

PLANNED = Plan(
    baseline=Command(["python", "a.py"], "/somewhere", "0" * 40, {"python": "3.12.1"}),
    candidate=Command(["python", "b.py"], "/somewhere"),
    pairs=3,
    seed=5,
    environment={"host": "h", "cores": 2, "load": 0.5, "variables": {"OMP_NUM_THREADS": "1"}},
)


def pair(number: int) -> list[ProcessRun]:
    return [
        ProcessRun(
            pair=number,
            order=order,
            arm=arm,
            run_id=f"{number:04}-{order}-{arm}",
            started_ns=1_700_000_000_123_456_789,
            wall_ns=2**53 + 1,
            cpu_ns=7,
            peak_bytes=9,
            load=0.25,
        )
        for order, arm in enumerate(("candidate", "baseline"), 1)
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_plan(tmp_path / "out", PLANNED)
    for number in (1, 2):
        append_pair(tmp_path / "out", pair(number))

    assert read_plan(tmp_path / "out") == PLANNED
    assert read_runs(tmp_path / "out") == [*pair(1), *pair(2)]


def test_a_result_is_not_written_over(tmp_path: Path) -> None:
    write_plan(tmp_path, PLANNED)

    with pytest.raises(InputError, match="already has a benchmark: go on with --resume"):
        write_plan(tmp_path, PLANNED)


def test_nothing_has_been_measured_yet(tmp_path: Path) -> None:
    assert read_runs(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "no benchmark in"),
        ("{", "is not a plan of rbtrace bench"),
        ('{"kind": "rbtrace bench", "version": 1}', "missing required field"),
        ('{"version": 99}', "has format 99; this rbtrace reads up to 1"),
    ],
)
def test_a_plan_that_cannot_be_read(tmp_path: Path, text: str | None, complaint: str) -> None:
    if text is not None:
        (tmp_path / PLAN).write_text(text)

    with pytest.raises(InputError, match=complaint):
        read_plan(tmp_path)


def test_a_plan_of_another_kind(tmp_path: Path) -> None:
    write_plan(tmp_path, PLANNED)
    path = tmp_path / PLAN
    path.write_text(path.read_text().replace("rbtrace bench", "something else"))

    with pytest.raises(InputError, match="is not a plan"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda text: text + "{", "line 3 is not a run"),
        (lambda text: text + text, "does not hold whole pairs"),
        (lambda text: text.partition("\n")[2], "does not hold whole pairs"),
    ],
)
def test_runs_that_are_not_as_they_were_written(tmp_path: Path, spoil, complaint: str) -> None:
    append_pair(tmp_path, pair(1))
    path = tmp_path / RUNS
    path.write_text(spoil(path.read_text()))

    with pytest.raises(InputError, match=complaint):
        read_runs(tmp_path)
