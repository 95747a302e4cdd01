"""Clock shifts between processes, worked out by hand."""

from __future__ import annotations

from rbtrace.analysis.results import Results
from tests.support.spans import Span, evaluated

HOUR = 3_600_000_000_000


def self_times(results: Results) -> dict[str, int]:
    return {row.name: row.self_ns for row in results.operations}


def test_a_child_that_begins_before_its_parent_moves_its_process() -> None:
    results = evaluated(
        [
            Span(1, "root", 100, 200, process=1),
            Span(2, "task", 70, 90, 1, process=2),
            Span(3, "task", 95, 105, 1, process=2),
        ]
    )
    assert results.integrity.clock_shifts == {"host/2": 30}
    assert self_times(results) == {"root": 70, "task": 30}
    assert results.wall_ns == 100


def test_whom_a_moved_process_started_follows() -> None:
    results = evaluated(
        [
            Span(1, "root", 100, 200, process=1),
            Span(2, "task", 70, 90, 1, process=2),
            Span(3, "inner", 75, 80, 2, process=3),
        ]
    )
    assert results.integrity.clock_shifts == {"host/2": 30, "host/3": 25}


def test_a_child_that_outlives_its_parent_proves_nothing() -> None:
    results = evaluated(
        [Span(1, "root", 100, 200, process=1), Span(2, "task", 150, 250, 1, process=2)]
    )
    assert results.integrity.clock_shifts == {}


def test_in_one_process_there_is_one_clock() -> None:
    results = evaluated([Span(1, "root", 100, 200), Span(2, "a", 70, 120, 1)])
    assert (results.integrity.clock_shifts, results.integrity.clipped) == ({}, 1)


def test_demands_that_contradict_each_other_move_nothing() -> None:
    results = evaluated(
        [
            Span(1, "one", 100, 200, process=1),
            Span(2, "a", 70, 90, 1, process=2),
            Span(3, "two", 100, 200, process=2),
            Span(4, "b", 90, 95, 3, process=1),
            Span(5, "c", 80, 95, 3, process=3),
        ]
    )
    assert results.integrity.clock_shifts == {}


def test_a_broken_time_is_not_a_shifted_clock() -> None:
    results = evaluated(
        [
            Span(1, "root", 1000 * HOUR, 1001 * HOUR, process=1),
            Span(2, "broken", 5, 10, 1, process=2),
            Span(3, "task", 1000 * HOUR, 1000 * HOUR + 9, 1, process=2),
        ]
    )
    assert results.integrity.clock_shifts == {}
