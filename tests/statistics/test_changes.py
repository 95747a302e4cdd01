"""Several changes, several looks, several operations; results as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace import statistics
from rbtrace.errors import RbtraceError
from rbtrace.statistics import (
    DocumentError,
    InvalidParameterError,
    InvalidRunsError,
    compare_runs,
    compound,
    decide,
    decompose,
    dumps,
    equivalence,
    loads,
    o_brien_fleming,
    share_interval,
)
from tests.statistics.strategies import arms, thousand

ratios = st.lists(st.floats(0.1, 10), min_size=1, max_size=12)


@thousand
@given(ratios)
def test_ratios_multiply(steps):
    found = compound(steps)
    assert found.ratio == pytest.approx(math.prod(steps), rel=1e-12)
    assert found.speedup == pytest.approx(1 / found.ratio)
    assert found.improvement == pytest.approx(100 * (1 - found.ratio), abs=1e-9)
    assert found.geometric_mean ** len(steps) == pytest.approx(found.ratio, rel=1e-9)
    assert compound([1 / step for step in steps]).ratio == pytest.approx(1 / found.ratio)


def test_ratios_that_are_none():
    for wrong in ([], [0.5, 0], [0.5, -1], [math.nan]):
        with pytest.raises(InvalidRunsError, match="ratios"):
            compound(wrong)


def test_planned_looks_have_the_published_bounds():
    found = o_brien_fleming((10, 20, 30))
    assert [look.runs for look in found] == [10, 20, 30]
    assert [round(look.p_value, 4) for look in found] == [0.0005, 0.0141, 0.0451]
    assert found[0].confidence == 1 - found[0].p_value


@pytest.mark.parametrize(
    ("looks", "constant"), [(1, 1.960), (2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040)]
)
def test_bounds_of_equal_steps_are_those_of_the_tables(looks, constant):
    """C. Jennison, B. W. Turnbull, Group Sequential Methods (2000), table 2.3."""
    from scipy import stats

    last = o_brien_fleming([10 * (number + 1) for number in range(looks)])[-1]
    assert stats.norm.isf(last.p_value / 2) == pytest.approx(constant, abs=0.0006)


@pytest.mark.slow
@thousand
@given(
    st.lists(st.integers(2, 20), min_size=1, max_size=5, unique=True).map(sorted),
    st.sampled_from([0.01, 0.05, 0.10]),
)
def test_bounds_become_looser_and_never_exceed_alpha(looks, alpha):
    p = [look.p_value for look in o_brien_fleming(looks, alpha)]
    assert p == sorted(p)
    assert p[-1] <= alpha + 1e-9


def test_looks_that_are_none():
    for wrong in ((), (1, 2), (10, 10), (20, 10)):
        with pytest.raises(InvalidParameterError, match="looks must be increasing"):
            o_brien_fleming(wrong)
    with pytest.raises(InvalidParameterError, match="alpha"):
        o_brien_fleming((10,), 0)


@st.composite
def operations(draw, paired):
    """Self times of operations in both arms; some operations are in one arm only."""
    times = st.one_of(st.just(0), st.integers(1, 10**12))
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True))
    sizes = [draw(st.integers(1, 5))] * 2 if paired else [draw(st.integers(1, 5)) for _ in "bc"]
    found = []
    for size in sizes:
        arm = {name: draw(st.lists(times, min_size=size, max_size=size)) for name in names}
        arm[draw(st.sampled_from("xyz"))] = draw(
            st.lists(st.integers(1, 10**12), min_size=size, max_size=size)
        )
        found.append(arm)
    return found


@pytest.mark.slow
@thousand
@given(st.booleans().flatmap(lambda paired: st.tuples(operations(paired), st.just(paired))))
def test_contributions_sum_to_the_change(found):
    (baseline, candidate), paired = found
    parts = decompose(baseline, candidate, paired=paired)
    totals = [
        [sum(values) for values in zip(*arm.values(), strict=True)] for arm in (baseline, candidate)
    ]
    expected = compare_runs(*totals, paired=paired).ratio
    assert parts.log_ratio == pytest.approx(math.log(expected), rel=1e-9, abs=1e-12)
    assert math.fsum(parts.contributions.values()) == pytest.approx(
        parts.log_ratio, rel=1e-9, abs=1e-11
    )
    assert set(parts.contributions) == {*baseline, *candidate}
    back = decompose(candidate, baseline, paired=paired)
    for name, part in parts.contributions.items():
        assert back.contributions[name] == pytest.approx(-part, rel=1e-6, abs=1e-11)


def test_contribution_by_hand():
    found = decompose({"a": [6.0], "b": [4.0]}, {"a": [6.0], "c": [2.0]})
    mean = (8 - 10) / math.log(8 / 10)
    assert found.log_ratio == pytest.approx(math.log(0.8))
    assert found.contributions == pytest.approx({"a": 0, "b": -4 / mean, "c": 2 / mean})
    assert list(found.contributions) == ["b", "c", "a"]


def test_pairs_and_combinations_differ():
    baseline, candidate = {"a": [1.0, 9.0], "b": [1, 1]}, {"a": [2.0, 9.0], "b": [1, 1]}
    paired = decompose(baseline, candidate, paired=True)
    crossed = decompose(baseline, candidate)
    assert paired.log_ratio == pytest.approx(crossed.log_ratio)
    assert paired.contributions["b"] == 0
    assert crossed.contributions["b"] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("change", [0, 1e-15, 1e-9, 1e-7])
def test_totals_that_hardly_differ(change):
    found = decompose({"a": [1.0]}, {"a": [1.0 + change]})
    assert found.contributions["a"] == pytest.approx(found.log_ratio, rel=1e-6, abs=3e-16)


@pytest.mark.parametrize(
    ("baseline", "candidate", "paired", "message"),
    [
        ({}, {"a": [1]}, False, "baseline has no operations"),
        ({"a": [1]}, {"a": [1], "b": [1, 2]}, False, "equally many, not 1 and 2"),
        ({"a": [1, 2]}, {"a": [1]}, True, "paired runs must be equally many"),
        ({"a": [0]}, {"a": [1]}, False, "no time at all"),
        ({"a": [1]}, {"a": [-1]}, False, "candidate, a: a run is below 0"),
        ({"a": [math.nan]}, {"a": [1]}, False, "baseline, a: run 1 is nan"),
    ],
)
def test_operations_that_cannot_be_compared(baseline, candidate, paired, message):
    with pytest.raises(InvalidRunsError, match=message):
        decompose(baseline, candidate, paired=paired)


@pytest.mark.slow
@thousand
@given(arms())
def test_comparisons_survive_json(found):
    baseline, candidate, paired = found
    comparison = compare_runs(baseline, candidate, paired=paired)
    again = loads(dumps(comparison))
    assert again == comparison
    assert [one.message for one in again.warnings] == [one.message for one in comparison.warnings]


def test_every_kind_survives_json():
    runs = [1.0, 1.1, 0.9, 1.05, 0.98]
    comparison = compare_runs(runs, runs[::-1])
    for value in (
        compound([0.5]),
        decompose({"a": [1]}, {"b": [2]}),
        equivalence(comparison),
        o_brien_fleming()[0],
        share_interval(runs, [3.0] * 5),
        decide(comparison),
    ):
        assert loads(dumps(value)) == value
        assert json.loads(dumps(value))["version"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 cannot be read, only 1"),
        ({"version": None}, "version None cannot be read"),
        ({"format": "other"}, "no rbtrace.statistics document"),
        ({"kind": "Other"}, "kind is 'Other'"),
        ({"value": {"runs": "many", "p_value": 0.1}}, "Look cannot be read"),
        ({"value": None}, "Look cannot be read"),
    ],
)
def test_documents_that_cannot_be_read(change, message):
    document = json.loads(dumps(o_brien_fleming()[0])) | change
    with pytest.raises(DocumentError, match=message) as caught:
        loads(json.dumps(document))
    assert isinstance(caught.value, RbtraceError)
    assert isinstance(caught.value, ValueError)


def test_damaged_documents():
    for text in ("", "{", "[1]", b"\xff", "null"):
        with pytest.raises(DocumentError):
            loads(text)
    document = json.loads(dumps(compare_runs([1.0], [2.0])))
    document["value"]["warnings"] = [{"code": "x"}]
    with pytest.raises(DocumentError, match="needs a code and a message"):
        loads(json.dumps(document))
    with pytest.raises(TypeError, match="str is none of"):
        dumps("text")


def test_scipy_is_imported_only_when_it_is_used(run_script):
    run = run_script(
        "import sys, rbtrace.statistics; print([m for m in sys.modules if 'scipy' in m])"
    )
    assert run.printed.strip() == "[]"


def test_public_names_exist():
    assert all(hasattr(statistics, name) for name in statistics.__all__)
    folder = Path(statistics.__file__).parent
    assert statistics.__all__ == sorted(
        statistics.__all__,
        key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name),
    ), folder
