"""Functions from stack samples: their times, and their place in the report."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.commands.main import run
from rbtrace.profiling.flamegraph.functions import functions
from rbtrace.reporting.analysis import analyze
from tests.support.profiles import profile_of, write_profile
from tests.support.spans import Span, write

PATHS = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(tuple),
    st.integers(0, 1000),
    min_size=1,
    max_size=12,
)


def test_a_recursive_function_counts_once():
    found = functions(profile_of({("a", "b", "a", "b"): 3, ("a",): 2, ("b",): 1}))
    assert {row.name: (row.samples, row.self_ns, row.total_ns) for row in found} == {
        "b": (2, 4, 4),
        "a": (1, 2, 5),
    }
    assert [row.name for row in found] == ["b", "a"]


@given(PATHS)
def test_times_are_those_counted_one_by_one(weights):
    found = {row.name: row for row in functions(profile_of(weights))}
    assert found.keys() == {name for path in weights for name in path}
    for name, row in found.items():
        assert row.self_ns == sum(ns for path, ns in weights.items() if path[-1] == name)
        assert row.samples == sum(path[-1] == name for path in weights)
        assert row.total_ns == sum(ns for path, ns in weights.items() if name in path)
    whole = sum(weights.values())
    shares = [row.share for row in found.values()]
    assert shares == [None] * len(shares) if whole == 0 else sum(shares) == pytest.approx(1)


@pytest.fixture
def sampled(tmp_path):
    """A folder of spans and of the samples of two processes, one line of them damaged."""
    write(tmp_path / "a.otlp.jsonl", [Span(1, "root", 0, 100)])
    library = "read@/opt/lib/python3.12/site-packages/engine/data/portal.py"
    for pid in (7, 8):
        write_profile(
            tmp_path / f"h-{pid}-0.profile.jsonl",
            [(100, 3_000_000, ["main", library], 0, 0), (200, 1_000_000, ["main", "x"], 0, 0)],
            pid,
        )
    with (tmp_path / "h-8-0.profile.jsonl").open("ab") as stream:
        stream.write(b"{no}\n")
    return tmp_path


def test_an_analysis_merges_the_samples_of_all_processes(sampled):
    found = analyze(sampled)
    rows = found.functions.set_index("name")
    assert rows.self_ns.to_dict() == {"read": 6_000_000, "x": 2_000_000, "main": 0}
    assert rows.total_ns.to_dict() == {"read": 6_000_000, "x": 2_000_000, "main": 8_000_000}
    assert json.loads(found.to_json())["functions"][0] == {
        "name": "read",
        "file": "/opt/lib/python3.12/site-packages/engine/data/portal.py",
        "line": 1,
        "samples": 2,
        "self_ns": 6_000_000,
        "total_ns": 6_000_000,
        "share": 0.75,
    }
    assert "1 invalid lines left out" in found.results.warnings[-1]


def test_a_report_lists_them_with_the_place_and_the_rest_in_one_row(sampled, capsys):
    assert run(["analyze", str(sampled), "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert "## Functions" in told
    assert "From 4 stack samples" in told
    assert "| read | 75.00 % | 6.000 ms | 6.000 ms | 2 | engine/data/portal.py:1 |" in told
    assert "1 more below 0.5 %" in told


def test_without_samples_there_is_no_such_table(sampled, capsys):
    assert run(["analyze", str(sampled / "a.otlp.jsonl")]) == 0
    assert "## Functions" not in capsys.readouterr().out
