"""Filters: the language, what it chooses, and what that does to the figures."""

from __future__ import annotations

import operator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbtrace import conventions as key
from rbtrace.analysis.filtering import FIELDS, parse_filter
from rbtrace.analysis.results import Results, evaluate
from rbtrace.errors import FilterError
from rbtrace.reporting.analysis import Analysis
from rbtrace.reporting.formats import render
from rbtrace.reporting.model import Options
from tests.support.spans import SUMMARY, Span, lines, loaded

SPANS = [
    Span(1, "sweep", 0, 10_000, process=1, category="coordination"),
    *(
        Span(10 + at, "trial", at * 1000, at * 1000 + 900, 1, process=2 + at % 2,
             attributes={key.TRIAL_NUMBER: at, key.TRIAL_SCORE: at / 4})
        for at in range(4)
    ),
    Span(20, "read", 0, 100, 10, process=2),
    Span(23, "read", 3000, 3100, 13, process=3),
    Span(30, "hot", parent=10, kind=SUMMARY, calls=5, total=50, self_ns=50, process=2),
]  # fmt: skip


def only(expression: str) -> Results:
    return evaluate(loaded(lines(SPANS)), only=expression)


def calls(expression: str) -> dict[str, int]:
    return {row.name: row.calls for row in only(expression).operations}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("duration > 0.5us", {"sweep": 1, "trial": 4}),
        ("duration<=100ns and not name == 'hot'", {"read": 2}),
        ("duration < 10.5ns", {"hot": 5}),
        ("duration >= 10.5ns and duration < 901ns", {"trial": 4, "read": 2}),
        ("duration == 100.5ns", {}),
        ("duration != 100.5ns and name == 'read'", {"read": 2}),
        ("rustybt.trial.number < 1", {"trial": 1, "read": 1, "hot": 5}),
        ("rustybt.trial.score >= 0.5", {"trial": 2, "read": 1}),
        ("process.pid == 3", {"trial": 2, "read": 1}),
        ("process == 'host/1' or name ~ 'rea'", {"sweep": 1, "read": 2}),
        ('not (name == "trial" or name != "trial")', {}),
        ("category != 'coordination'", {}),
        ("rbtrace.cpu_ns < 5s", {}),
        ("name == 'sweep' or name == 'hot' and process.pid == 3", {"sweep": 1}),
    ],
)  # fmt: skip
def test_what_filters_choose(expression: str, expected: dict[str, int]) -> None:
    assert calls(expression) == expected


def test_self_times_are_of_the_whole_trace_and_shares_of_what_was_chosen() -> None:
    found = only("name == 'trial' and rustybt.trial.number < 2")
    (trial,) = found.operations
    assert (trial.self_ns, trial.total_ns, trial.share) == (750 + 900, 1800, 1.0)
    assert [row.share for row in found.processes] == [900 / 1650, 750 / 1650]
    assert [row.path for row in found.paths] == [["sweep"], ["sweep", "trial"]]
    assert [row.share for row in found.paths] == [0.0, 1.0]
    assert [row.number for row in found.trials] == [0, 1]
    whole = evaluate(loaded(lines(SPANS)))
    assert found.wall_ns == whole.wall_ns
    assert found.parallelism == whole.parallelism
    assert found.critical_path == whole.critical_path
    assert found.regions == whole.regions


@pytest.mark.parametrize("name", ["markdown", "terminal", "html"])
def test_reports_say_what_the_filter_did(name: str) -> None:
    text = " ".join(render(Analysis(only("duration > 500ns")), name, Options()).split())
    assert "5 of 8" in text
    assert "of all self time. Shares are of theirs" in text


@pytest.mark.parametrize(
    ("expression", "position", "problem"),
    [
        ("", 1, "expected a field, found the end"),
        ("duration >", 11, "expected a duration, as 1.5ms, found the end"),
        ("duration > 5", 12, "expected a duration, as 1.5ms, found `5`"),
        ("duration > 5 parsecs", 12, "expected a duration"),
        ("duration ~ 5ms", 10, "expected one of < <= > >= == != after `duration`, found `~`"),
        ("name == 5", 9, "expected a text, as 'text', found `5`"),
        ("rustybt.trial.number == 'x'", 25, "expected a number, as 10"),
        ("colour == 'x'", 1, "expected a field (there are category, duration"),
        ("(name == 'x'", 13, "expected `)`, found the end"),
        ("name == 'x' name == 'y'", 13, "expected `and`, `or` or the end, found `name`"),
        ("name == 'x' and  ; rm", 18, "';' means nothing here"),
        ("name == 'x", 9, '"\'" means nothing here'),
        ("duration < 1e999s", 12, "expected a number of at most 1e+30"),
        ("not " * 200 + "name == 'x'", 401, "no more than a hundred levels"),
    ],
)
def test_errors_say_where_and_what(expression: str, position: int, problem: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse_filter(expression)
    assert raised.value.position == position
    assert problem in str(raised.value)


@given(st.text(alphabet="ndame()<>=~'\" 019.or ut", max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        position = error.position
    else:
        position = 1
    assert 1 <= position <= len(text) + 1


COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
           "==": operator.eq, "!=": operator.ne}  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=8),
    st.sampled_from(list(COMPARE)),
    st.integers(-20, 350),
)
def test_comparisons_are_exact(durations: list[int], sign: str, tenths: int) -> None:
    spans = [Span(at, "a", 10, 10 + ns) for at, ns in enumerate(durations, 1)]
    found = evaluate(loaded(lines(spans)), only=f"duration {sign} {tenths / 10}ns")
    expected = sum(COMPARE[sign](ns * 10, tenths) for ns in durations)
    assert sum(row.calls for row in found.operations) == expected


def test_every_field_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text()
    assert [name for name in FIELDS if f"`{name}`" not in page] == []
