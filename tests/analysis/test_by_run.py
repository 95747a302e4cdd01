"""Figures of runs apart add up to the figures of all."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from rbtrace import conventions as key
from rbtrace.analysis.results import evaluate
from rbtrace.analysis.runs import RunFigures, figures_by_run
from rbtrace.analysis.self_time import self_times
from rbtrace.analysis.table import weigh
from tests.support.spans import EXEMPLAR, SUMMARY, Span, lines, loaded


def run(number: int, arm: str, extra_calls: int = 0, host: str = "host") -> list[Span]:
    base, resource = number * 100, {
        key.RUN_ID: f"run-{number}",
        key.ARM: arm,
        key.PAIR: number,
        key.ORDER: 1 + number % 2,
        key.HOST_NAME: host,
    }  # fmt: skip
    at = number * 10_000
    made = {key.FINGERPRINT: f"digest of {arm}"}
    calls = 5 + extra_calls
    return [
        Span(base + 1, "root", at, at + 1_000, resource=resource),
        Span(base + 2, "run", at + 100, at + 900, base + 1, attributes=made, resource=resource),
        Span(base + 3, "price", 0, 0, base + 2, kind=SUMMARY, calls=calls, total=300, self_ns=300,
             resource=resource),
        Span(base + 4, "price", at + 110, at + 120, base + 3, kind=EXEMPLAR, resource=resource),
    ]  # fmt: skip


def figures(*spans: list[Span]) -> list[RunFigures]:
    table = loaded(lines(list(chain.from_iterable(spans)))).table
    return figures_by_run(table, weigh(table), self_times(table).self_ns)


def test_each_run_has_its_own() -> None:
    first, second = figures(run(1, "baseline"), run(2, "candidate", extra_calls=2))

    assert (first.run.run_id, first.run.arm, first.run.pair, first.run.order) == (
        "run-1", "baseline", 1, 2,
    )  # fmt: skip
    assert first.run.wall_ns == 1_000
    assert first.started_ns == 10_000
    assert first.self_ns == {"root": 200, "run": 500, "price": 300}
    assert first.calls == {
        ("root",): 1,
        ("root", "run"): 1,
        ("root", "run", "price"): 5,
    }
    assert second.calls["root", "run", "price"] == 7
    assert first.fingerprints == ("digest of baseline",)
    assert first.hosts == ("host",)


def test_what_only_one_run_has_is_not_in_the_other() -> None:
    lonely = Span(900, "else", 5, 9, trace=2, resource={key.RUN_ID: "run-9"})

    (one, nine) = figures(run(1, "baseline"), [lonely])

    assert "else" not in one.self_ns
    assert nine.calls == {("else",): 1}
    assert (nine.run.arm, nine.run.pair, nine.fingerprints) == (None, None, ())


def test_without_run_ids_a_trace_is_a_run() -> None:
    found = figures([Span(1, "a", 1, 2, trace=1), Span(2, "a", 5, 9, trace=2)])

    assert [one.self_ns for one in found] == [{"a": 1}, {"a": 4}]


@pytest.mark.parametrize("runs", [1, 3])
def test_runs_add_up_to_the_whole(runs: int) -> None:
    content = lines([span for number in range(runs) for span in run(number, "baseline", number)])
    whole = evaluate(loaded(content))
    selfs: Counter[str] = Counter()
    calls: Counter[tuple[str, ...]] = Counter()
    table = loaded(content).table

    for one in figures_by_run(table, weigh(table), self_times(table).self_ns):
        selfs.update(one.self_ns)
        calls.update(one.calls)

    assert dict(selfs) == {row.name: row.self_ns for row in whole.operations}
    assert dict(calls) == {tuple(row.path): row.calls for row in whole.paths}
