"""Lines, memory, aggregated statistics and flame graphs of deep profiles."""

from __future__ import annotations

import cProfile
import functools
import json
import pstats
import sys
import time
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyinstrument import Profiler

from rbtrace.errors import InputError, MissingExtraError, RbtraceError
from rbtrace.profiling import (
    ProfileContext,
    aggregate_profile_stats,
    generate_flame_graph,
    profile_lines,
    profile_memory,
)


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def lines():
    spin(0.02)
    spin(0.06)
    return "kept"


def test_lines_are_timed_and_the_result_is_kept():
    found = profile_lines(lines)
    assert found.result == "kept"
    first, second, last = found.lines
    assert [line.hits for line in found.lines] == [1, 1, 1]
    assert second.text.strip() == "spin(0.06)"
    assert first.time_ns >= 20_000_000
    assert second.time_ns >= 60_000_000
    assert sum(line.share for line in found.lines) == pytest.approx(1)
    assert first.time_ns + second.time_ns + last.time_ns == found.total_ns
    assert "spin(0.06)" in found.to_text()


def test_of_a_decorated_function_its_own_lines_are_timed():
    @functools.wraps(lines)
    def decorated():
        return lines()

    assert profile_lines(decorated).function == "lines"


def test_lines_of_a_failing_function_leave_nothing_active():
    with pytest.raises(ZeroDivisionError):
        profile_lines(lambda: 1 / 0)
    assert profile_lines(lines).result == "kept"


def test_what_has_no_lines_is_said():
    with pytest.raises(RbtraceError, match="sum has no lines to time"):
        profile_lines(sum, [1])


def test_a_missing_line_profiler_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "line_profiler", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rbtrace\[profiling\]'"):
        profile_lines(lines)


MB = 1_000_000


WATCHED_ALLOCATION = """
import json, time
from rbtrace.profiling import profile_memory

def allocate(size):
    data = bytearray(size)
    time.sleep(1)
    return len(data)

found = profile_memory(allocate, 80_000_000)
times = [point.time_ns for point in found.timeline]
print(json.dumps([found.result, found.increase, found.peak, found.timeline[-1].bytes, times]))
"""


def test_memory_of_the_process_over_time(run_script):
    # Of a process that holds little else: from one that ran tests the system takes memory back.
    result, increase, peak, last, times = json.loads(run_script(WATCHED_ALLOCATION).printed)
    assert result == 80 * MB
    assert increase > 70 * MB
    assert len(times) >= 3
    assert times == sorted(times)
    assert last < peak - 60 * MB


WATCHED_CHILD = """
import multiprocessing, time
from rbtrace.profiling import profile_memory

def in_child(size):
    context = multiprocessing.get_context("fork")
    process = context.Process(target=allocate_for_long, args=(size,))
    process.start()
    process.join()
    return process.exitcode

def allocate_for_long(size):
    data = bytearray(size)
    time.sleep(1)
    del data

found = profile_memory(in_child, 80_000_000)
print(found.result, found.increase)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_memory_of_children_is_counted(run_script):
    result, increase = map(int, run_script(WATCHED_CHILD).printed.split())
    assert result == 0
    assert increase > 70 * MB


def test_memory_of_a_failing_function_ends_the_watch():
    with pytest.raises(ZeroDivisionError):
        profile_memory(lambda: 1 / 0)


def profiled(*functions):
    profile = cProfile.Profile()
    profile.enable()
    for function in functions:
        function()
    profile.disable()
    return profile


def fast():
    spin(0.02)


def slow():
    spin(0.06)


def test_percentages_of_aggregated_statistics_add_to_a_hundred(tmp_path):
    saved = tmp_path / "one.pstats"
    pstats.Stats(profiled(fast)).dump_stats(saved)
    with ProfileContext("two") as context:
        slow()
    each = [saved, context, profiled(fast), pstats.Stats(profiled(slow))]
    found = aggregate_profile_stats(each)
    assert found.profiles == 4
    assert sum(one.percent for one in found.functions) == Decimal(100)
    by_name = {one.name: one for one in found.functions}
    assert by_name["spin"].calls == 4
    alone = [aggregate_profile_stats([one]).self_seconds for one in each]
    assert found.self_seconds == pytest.approx(sum(alone))
    assert found.functions[0].self_seconds == max(one.self_seconds for one in found.functions)


def test_aggregating_leaves_what_it_is_given_as_it_was():
    stats = pstats.Stats(profiled(fast))
    before = dict(stats.stats)
    aggregate_profile_stats([stats, stats])
    assert stats.stats == before


def statistics(functions):
    """Statistics as cProfile makes them, of made-up functions."""
    made = pstats.Stats()
    made.stats = functions
    made.total_tt = sum(figures[2] for figures in functions.values())
    return made


@settings(max_examples=1000)
@given(st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=30))
def test_percentages_add_to_a_hundred_whatever_the_times(seconds):
    made = {("f.py", at, f"f{at}"): (1, 1, one, one, {}) for at, one in enumerate(seconds)}
    found = aggregate_profile_stats([statistics(made)])
    assert sum(one.percent for one in found.functions) == Decimal(100)
    assert all(one.percent >= 0 for one in found.functions)


def test_nothing_to_add_up_is_said(tmp_path):
    with pytest.raises(InputError, match="no statistics to add up"):
        aggregate_profile_stats([])
    with pytest.raises(InputError, match="nothing was profiled"):
        aggregate_profile_stats([ProfileContext("never entered")])
    (tmp_path / "x.pstats").write_text("no")
    with pytest.raises(InputError, match=r"cannot read statistics from .*x\.pstats"):
        aggregate_profile_stats([tmp_path / "x.pstats"])


def boxes(path):
    """Total ns by name of a drawn graph."""
    totals = {}
    for box in ET.parse(path).iter():
        if "data-ns" in box.attrib:
            totals[box.attrib["data-name"]] = int(box.attrib["data-ns"])
    return totals


def two_callers():
    """`first` and `second` call `shared` for 1 s and 3 s, which calls `inner`."""
    first, second = ("f.py", 1, "first"), ("f.py", 2, "second")
    shared, inner = ("f.py", 3, "shared"), ("f.py", 4, "inner")
    return statistics(
        {
            first: (1, 1, 0.5, 1.5, {}),
            second: (1, 1, 0.25, 3.25, {}),
            shared: (2, 2, 2.0, 4.0, {first: (1, 1, 0.5, 1.0), second: (1, 1, 1.5, 3.0)}),
            inner: (8, 8, 2.0, 2.0, {shared: (8, 8, 2.0, 2.0)}),
        }
    )


def test_a_graph_of_statistics_divides_by_callers(tmp_path):
    folded = generate_flame_graph(two_callers(), tmp_path / "graph.folded").read_text().splitlines()
    assert folded == [
        "first 500000",
        "first;shared 500000",
        "first;shared;inner 500000",
        "second 250000",
        "second;shared 1500000",
        "second;shared;inner 1500000",
    ]


def test_a_recursion_is_drawn_once_and_keeps_its_time(tmp_path):
    def down(depth):
        spin(0.002)
        return down(depth - 1) if depth else 0

    profile = profiled(lambda: down(10))
    drawn = boxes(generate_flame_graph(profile, tmp_path / "graph.svg"))
    assert drawn["cProfile"] / 1e9 == pytest.approx(pstats.Stats(profile).total_tt, rel=0.01)
    assert drawn["down"] <= drawn["cProfile"]


def test_a_graph_of_a_session_and_of_its_file(tmp_path):
    with Profiler(interval=0.001) as profiler:
        slow()
    session = profiler.last_session
    sampled = sum(lasted for _, lasted in session.frame_records)
    spun = sum(
        lasted
        for stack, lasted in session.frame_records
        if any(frame.startswith("spin\0") for frame in stack)
    )
    assert sampled >= spun > 0
    session.save(tmp_path / "one.pyisession")
    for data in (session, tmp_path / "one.pyisession"):
        drawn = boxes(generate_flame_graph(data, tmp_path / "graph.svg"))
        assert drawn["spin"] / 1e9 == pytest.approx(spun, abs=0.001)
    document = json.loads(generate_flame_graph(session, tmp_path / "g.speedscope.json").read_text())
    assert document["profiles"][0]["endValue"] / 1e9 == pytest.approx(sampled, abs=0.001)


@pytest.mark.parametrize(
    ("data", "target", "says"),
    [
        (3, "graph.svg", "int is not a profile that can be drawn"),
        ("missing.pyisession", "graph.svg", "cannot read a session from missing"),
        ("missing", "graph.svg", "no such file or folder: missing"),
        ("missing.prof", "graph.svg", "cannot read statistics from missing"),
        (pstats.Stats(), "graph.png", "use one of .svg, .html"),
        (pstats.Stats(), "graph.svg", "nothing was profiled"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, data, target, says):
    with pytest.raises(RbtraceError, match=says):
        generate_flame_graph(data, tmp_path / target)
