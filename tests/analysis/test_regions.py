"""Parallel regions, worked out by hand."""

from __future__ import annotations

from typing import Any

from rbtrace import conventions as key
from tests.support.spans import SUMMARY, Span, evaluated


def task(identity: int, process: int, start: int, end: int, **attributes: Any) -> Span:
    return Span(identity, "task", start, end, 1, process=process, attributes=attributes)


def test_busy_idle_and_overhead() -> None:
    results = evaluated(
        [
            Span(1, "sweep", 100, 200, process=1, attributes={key.WORKERS: 2}),
            Span(2, "prepare", 100, 105, 1, process=1),
            task(3, 11, 110, 140, **{key.CPU_NS: 20, key.RUNQUEUE_NS: 4}),
            task(4, 11, 150, 190, **{key.CPU_NS: 30, key.RUNQUEUE_NS: 1}),
            task(5, 12, 120, 170),
        ]
    )
    (region,) = results.regions
    assert (region.name, region.start_ns, region.end_ns) == ("sweep", 100, 190), (
        "to the last result"
    )
    assert (region.workers, region.tasks, region.busy_ns) == (2, 3, 120)
    assert region.overhead_ns == 2 * 90 - 120
    assert (region.startup_ns, region.queueing_ns, region.tail_ns) == (10 + 20, 10, 20)
    assert (region.unused_ns, region.cpu_ns) == (0, None)
    one, two = results.workers
    assert (one.process, one.busy_ns, one.idle_ns, one.tasks) == ("host/11", 70, 20, 2)
    assert (one.cpu_ns, one.runqueue_ns, one.blocked_ns) == (50, 5, 15)
    assert one.utilisation == 70 / 90
    assert (one.startup_ns, one.queueing_ns, one.tail_ns) == (10, 10, 0)
    assert (two.process, two.busy_ns, two.cpu_ns, two.blocked_ns) == ("host/12", 50, None, None)


def test_workers_are_counted_where_their_number_is_not_recorded() -> None:
    results = evaluated([Span(1, "map", 0, 100, process=1), task(2, 11, 0, 60), task(3, 12, 0, 50)])
    assert (results.regions[0].workers, results.regions[0].overhead_ns) == (2, 10)


def test_a_parent_that_does_other_work_first_has_a_region_from_its_first_task_on() -> None:
    results = evaluated(
        [Span(1, "main", 0, 1000, process=1), task(2, 11, 500, 600), task(3, 12, 520, 620)]
    )
    (region,) = results.regions
    assert (region.start_ns, region.end_ns) == (500, 620)
    assert (region.startup_ns, region.queueing_ns, region.tail_ns) == (20, 0, 20)
    assert region.overhead_ns == 2 * 120 - 200


def test_workers_without_a_task_are_unused() -> None:
    results = evaluated(
        [
            Span(1, "sweep", 0, 100, process=1, attributes={key.WORKERS: 3}),
            task(2, 11, 10, 100, **{key.CPU_NS: 60, key.RUNQUEUE_NS: 10}),
        ]
    )
    (region,) = results.regions
    assert (region.unused_ns, region.startup_ns, region.overhead_ns) == (200, 10, 210)
    assert (region.cpu_ns, region.runqueue_ns, region.blocked_ns) == (60, 10, 20)


def test_overhead_is_not_divided_where_processes_replaced_each_other() -> None:
    results = evaluated(
        [
            Span(1, "sweep", 0, 100, process=1, attributes={key.WORKERS: 1}),
            task(2, 11, 10, 50),
            task(3, 12, 60, 100),
        ]
    )
    (region,) = results.regions
    assert (region.workers, region.overhead_ns, region.startup_ns) == (1, 20, None)


def test_a_task_that_starts_a_pool_of_its_own_is_worker_and_dispatcher() -> None:
    results = evaluated(
        [
            Span(1, "outer", 0, 100, process=1, attributes={key.WORKERS: 1}),
            task(2, 11, 10, 90),
            Span(3, "inner", 20, 50, 2, process=21),
            Span(4, "inner", 30, 80, 2, process=22),
        ]
    )
    outer, inner = results.regions
    assert (outer.process, outer.busy_ns, outer.overhead_ns) == ("host/1", 80, 10)
    assert (inner.process, inner.start_ns, inner.end_ns) == ("host/11", 20, 80)
    assert inner.overhead_ns == 2 * 60 - 80


def test_overlapping_and_outliving_tasks_are_busy_once_and_within_the_region() -> None:
    results = evaluated(
        [Span(1, "map", 0, 100, process=1), task(2, 11, 0, 60), task(3, 11, 40, 140)]
    )
    assert (results.workers[0].busy_ns, results.workers[0].idle_ns) == (100, 0)
    assert results.integrity.clipped == 0


def test_a_task_dispatched_in_a_hot_call_belongs_to_the_span_around_it() -> None:
    results = evaluated(
        [
            Span(1, "map", 0, 100, process=1),
            Span(2, "submit", parent=1, kind=SUMMARY, process=1),
            Span(3, "task", 0, 60, 2, process=11),
        ]
    )
    assert [worker.region for worker in results.workers] == ["map"]


def test_no_region_within_one_process() -> None:
    results = evaluated([Span(1, "root", 0, 100), Span(2, "a", 0, 60, 1)])
    assert (results.regions, results.workers) == ([], [])
