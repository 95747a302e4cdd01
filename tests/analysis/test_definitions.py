"""Small traces with results worked out by hand, one per definition."""

from __future__ import annotations

from typing import Any

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.results import Results
from tests.support.spans import EXEMPLAR, SUMMARY, Span, evaluated


def self_times(results: Results) -> dict[str, int]:
    return {row.name: row.self_ns for row in results.operations}


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param(
            [Span(1, "root", 0, 100), Span(2, "a", 10, 40, 1), Span(3, "b", 50, 70, 1)],
            {"root": 50, "a": 30, "b": 20},
            id="one after the other",
        ),
        pytest.param(
            [Span(1, "root", 0, 100), Span(2, "a", 10, 60, 1), Span(3, "b", 40, 80, 1)],
            {"root": 30, "a": 50, "b": 40},
            id="parallel children count once against their parent",
        ),
        pytest.param(
            [Span(1, "root", 0, 100), Span(2, "a", 10, 90, 1), Span(3, "b", 20, 30, 1)],
            {"root": 20, "a": 80, "b": 10},
            id="one child within the time of another",
        ),
        pytest.param(
            [Span(1, "root", 50, 100), Span(2, "a", 80, 150, 1), Span(3, "b", 10, 60, 1)],
            {"root": 20, "a": 70, "b": 50},
            id="children that outlive and precede their parent",
        ),
        pytest.param(
            [Span(1, "root", 50, 100), Span(2, "a", 200, 250, 1)],
            {"root": 50, "a": 50},
            id="a child that misses its parent",
        ),
        pytest.param(
            [Span(1, "root", 10, 100), Span(2, "a", 60, 20, 1)],
            {"root": 90, "a": 0},
            id="a child that ends before it starts",
        ),
        pytest.param(
            [Span(1, "root", 10, 100), Span(2, "a", 60, 60, 1)],
            {"root": 90, "a": 0},
            id="a child that takes no time",
        ),
        pytest.param(
            [Span(1, "root", 10, 100), Span(2, "a", 30, 50, 99)],
            {"root": 90, "a": 20},
            id="an orphan is a root",
        ),
        pytest.param(
            [
                Span(1, "root", 0, 100),
                Span(2, "hot", parent=1, kind=SUMMARY, calls=9, total=40, self_ns=30),
                Span(3, "inner", parent=2, kind=SUMMARY, calls=5, total=10, self_ns=10),
                Span(4, "hot", 10, 20, parent=2, kind=EXEMPLAR),
            ],
            {"root": 60, "hot": 30, "inner": 10},
            id="summaries bring their own, exemplars nothing",
        ),
        pytest.param(
            [
                Span(1, "root", 0, 100),
                Span(2, "hot", parent=1, kind=SUMMARY, calls=9, total=40, self_ns=15),
                Span(3, "load", 30, 55, parent=2),
            ],
            {"root": 60, "hot": 15, "load": 25},
            id="a span in a hot call is a child of the nearest span",
        ),
        pytest.param(
            [
                Span(1, "root", 0, 100, thread="1"),
                Span(2, "hot", parent=1, kind=SUMMARY, total=40, self_ns=40, thread="2"),
            ],
            {"root": 100, "hot": 40},
            id="hot calls of another thread run beside",
        ),
        pytest.param(
            [
                Span(1, "root", 0, 100),
                Span(2, "hot", parent=1, kind=SUMMARY, total=170, self_ns=170),
            ],
            {"root": 0, "hot": 170},
            id="never below zero",
        ),
    ],
)
def test_self_time(spans: list[Span], expected: dict[str, int]) -> None:
    results = evaluated(spans)
    assert self_times(results) == expected
    assert results.self_ns == sum(expected.values())


def test_a_span_pruned_by_a_collector_is_all_self() -> None:
    pruned = Span(2, "SELECT", parent=1)
    pruned.attributes = {
        key.IS_SUMMARY: True, key.SPAN_COUNT: 4, key.DURATION_TOTAL: 40,
    }  # fmt: skip
    results = evaluated([Span(1, "root", 0, 100), pruned])
    assert self_times(results) == {"root": 60, "SELECT": 40}
    row = next(row for row in results.operations if row.name == "SELECT")
    assert (row.calls, row.mean_ns, row.p50_ns, row.quantile_method) == (4, 10.0, 10, "histogram")


@pytest.mark.parametrize("name", [key.THREAD, key.UNATTACHED])
def test_implicit_spans_enter_no_share_and_no_wall(name: str) -> None:
    run = {key.RUN_ID: "r"}
    results = evaluated(
        [
            Span(1, "root", 0, 100, resource=run),
            Span(2, name, 50, 400, parent=1, resource=run),
            Span(3, "hot", parent=2, kind=SUMMARY, total=40, self_ns=40, resource=run),
        ]
    )
    assert self_times(results) == {"root": 100, "hot": 40}
    assert results.wall_ns == 100
    assert [row.path for row in results.paths] == [
        ["root"], ["root", name], ["root", name, "hot"],
    ]  # fmt: skip


def test_somebody_elses_span_may_be_called_thread() -> None:
    assert self_times(evaluated([Span(1, "thread", 0, 10)])) == {"thread": 10}


def test_an_unfinished_span_lasts_until_what_was_last_seen_in_it() -> None:
    hot = Span(3, "hot", parent=2, kind=SUMMARY, total=20, self_ns=20)
    hot.attributes = {key.LAST_END_NS: 90}
    results = evaluated([Span(1, "root", 10, 0), Span(2, "a", 20, 0, 1), hot])
    assert self_times(results) == {"root": 10, "a": 50, "hot": 20}
    assert results.integrity.unfinished == 2


def test_a_span_without_start_is_instantaneous() -> None:
    late = 1_760_000_000_000_000_000
    results = evaluated([Span(1, "root", late, late + 5), Span(2, "a", 0, late + 3, 1)])
    assert self_times(results) == {"root": 5, "a": 0}
    assert results.warnings == ["1 spans without a start, which count as instantaneous"]


def test_epoch_nanoseconds_stay_exact() -> None:
    start = 1_760_000_000_123_456_789
    results = evaluated([Span(1, "root", start, start + 3), Span(2, "a", start + 1, start + 2, 1)])
    assert self_times(results) == {"root": 2, "a": 1}


def test_a_link_may_name_the_parent() -> None:
    link = {
        "traceId": f"{1:032x}",
        "spanId": f"{1:016x}",
        "attributes": [{"key": key.LINK, "value": {"stringValue": "parent"}}],
    }
    other = {"traceId": f"{9:032x}", "spanId": f"{9:016x}"}
    results = evaluated(
        [Span(1, "sweep", 0, 100), Span(2, "trial", 10, 60, trace=2, links=[other, link])]
    )
    assert self_times(results) == {"sweep": 50, "trial": 50}
    assert results.integrity.orphans == 0


def test_the_same_span_id_in_two_traces_is_two_spans() -> None:
    results = evaluated(
        [
            Span(1, "one", 0, 10),
            Span(2, "child", 0, 4, 1),
            Span(1, "two", 0, 20, trace=2),
            Span(2, "child", 0, 5, 1, trace=2),
        ]
    )
    assert self_times(results) == {"one": 6, "two": 15, "child": 9}
    assert results.integrity.duplicates == 0


def test_critical_path_goes_from_the_end_backwards() -> None:
    results = evaluated(
        [
            Span(1, "root", 0, 100),
            Span(2, "a", 10, 50, 1),
            Span(3, "b", 20, 60, 1),
            Span(4, "c", 70, 90, 1),
            Span(5, "in b", 30, 60, 3),
        ]
    )
    # 90–100 root, 70–90 c, 60–70 root, 30–60 in b, 20–30 b, 0–20 root; a ends too late.
    found = {piece.name: piece.ns for piece in results.critical_path}
    assert found == {"root": 40, "c": 20, "in b": 30, "b": 10}
    assert [piece.name for piece in results.critical_path] == ["root", "in b", "c", "b"]


def test_gaps_of_the_critical_path_are_shared_with_hot_calls() -> None:
    results = evaluated(
        [
            Span(1, "root", 0, 100),
            Span(2, "a", 10, 40, 1),
            Span(3, "hot", parent=1, kind=SUMMARY, total=20, self_ns=20),
        ]
    )
    # The gaps are 70: 50 is root's self time, 20 are hot calls.
    assert {piece.name: piece.ns for piece in results.critical_path} == {
        "root": 50, "a": 30, "hot": 20,
    }  # fmt: skip


def test_runs_are_walls_without_gaps() -> None:
    def spans(trace: int, run: str | None, arm: str | None, *times: tuple[int, int]) -> list[Span]:
        resource: dict[str, Any] = {key.RUN_ID: run} if run else {}
        resource |= {key.ARM: arm} if arm else {}
        return [
            Span(trace * 10 + number, "root", start, end, trace=trace, resource=resource)
            for number, (start, end) in enumerate(times)
        ]

    results = evaluated(
        spans(1, "r1", "baseline", (0, 10), (5, 20))
        + spans(2, "r1", None, (100, 130))
        + spans(3, None, None, (0, 7))
    )
    assert [(run.run_id, run.arm, run.wall_ns) for run in results.runs] == [
        (f"{3:032x}", None, 7),
        ("r1", "baseline", 50),
    ]
    assert results.wall_ns == 57
    assert results.parallelism == pytest.approx((10 + 15 + 30 + 7) / 57)


def test_a_run_within_a_span_of_another_run_has_a_wall_of_its_own() -> None:
    results = evaluated(
        [
            Span(1, "outer", 0, 100, resource={key.RUN_ID: "r1"}),
            Span(2, "inner", 10, 60, 1, resource={key.RUN_ID: "r2"}),
        ]
    )
    assert [run.wall_ns for run in results.runs] == [100, 50]


def test_what_stands_on_the_span_goes_before_the_resource() -> None:
    own = {key.RUN_ID: "r2", key.PROCESS_PID: 99}
    results = evaluated([Span(1, "root", 0, 10, attributes=own)])
    assert results.runs[0].run_id == "r2"
    assert results.processes[0].process == "host/99"


def test_host_on_a_foreign_span_is_not_its_process() -> None:
    results = evaluated([Span(1, "GET", 0, 10, attributes={key.HOST_NAME: "example.org"})])
    assert results.processes[0].process == "host/7"


def test_overhead_to_computation_leaves_out_what_has_no_category() -> None:
    results = evaluated(
        [
            Span(1, "a", 0, 10, category="computation"),
            Span(2, "b", 0, 30, category="user"),
            Span(3, "c", 0, 20, category="io"),
            Span(4, "d", 0, 50),
        ]
    )
    assert results.overhead_to_computation == 0.5
    assert {row.name: row.self_ns for row in results.categories} == {
        "uncategorized": 50, "user": 30, "io": 20, "computation": 10,
    }  # fmt: skip
    assert evaluated([Span(1, "a", 0, 10)]).overhead_to_computation is None


def test_trials() -> None:
    numbered = [
        Span(
            number + 1,
            "trial",
            start,
            start + 10,
            attributes={key.TRIAL_NUMBER: number} | ({key.TRIAL_SCORE: score} if score else {}),
        )
        for number, start, score in ((0, 50, 1.5), (1, 10, None))
    ]
    found = [(one.number, one.duration_ns, one.score) for one in evaluated(numbered).trials]
    assert found == [(1, 10, None), (0, 10, 1.5)]


def test_operations_have_exact_quantiles_by_nearest_rank() -> None:
    results = evaluated([Span(number, "a", 0, number) for number in range(1, 201)])
    row = results.operations[0]
    assert (row.p50_ns, row.p95_ns, row.p99_ns) == (100, 190, 198)
    assert (row.min_ns, row.max_ns, row.mean_ns, row.calls) == (1, 200, 100.5, 200)
    assert row.quantile_method == "exact"


def test_the_category_of_an_operation_is_the_one_with_most_time() -> None:
    results = evaluated(
        [
            Span(1, "a", 0, 10, category="io"),
            Span(2, "a", 0, 30, category="user"),
            Span(3, "a", 0, 15, category="io"),
        ]
    )
    assert results.operations[0].category == "user"
