"""Hot calls: a tree per span and thread, summaries that add up, exemplars, and nothing lost."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import baggage, context

import rbtrace
from rbtrace import conventions as key
from rbtrace.recording.export.clock import now_ns
from rbtrace.recording.hot import calltree, tally
from rbtrace.recording.hot.tally import Durations, bucket, lower_edge
from rbtrace.recording.recorder import RECORDER
from rbtrace.testing import capture, fake_clock, read_spans


def test_a_summary_says_how_often_how_long_and_when():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def hot(duration):
            clock.advance(duration)

        with rbtrace.span("run"):
            for duration in (5, 100, 1000):
                hot(duration)
                clock.advance(7)
    run, summary = captured.one("run"), captured.one("hot")
    attributes = summary.attributes
    assert summary.parent_id == run.span_id
    assert summary.start_ns == run.start_ns
    assert summary.duration_ns == attributes[key.DURATION_TOTAL] == 1105
    assert attributes[key.SPAN_COUNT] == 3
    assert attributes[key.DURATION_MIN] == 5
    assert attributes[key.DURATION_MAX] == 1000
    assert attributes[key.DURATION_AVG] == 368
    assert attributes[key.P95_NS] == 1000
    assert attributes[key.SELF_NS] == 1105
    assert attributes[key.FIRST_START_NS] == run.start_ns
    assert attributes[key.LAST_END_NS] == run.end_ns - 7
    assert run.duration_ns == 1105 + 21


@given(st.lists(st.integers(1, 1 << 45), min_size=1, max_size=200))
@settings(max_examples=1000)
def test_a_summary_says_how_long_most_calls_took_at_most(durations):
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def hot(duration):
            clock.advance(duration)

        with rbtrace.span("run"):
            for duration in durations:
                hot(duration)

    found = captured.one("hot").attributes[key.P95_NS]
    exact = sorted(durations)[-(-95 * len(durations) // 100) - 1]
    assert exact <= found <= min(max(durations), exact + exact // 8 + 1)


def test_nested_hot_calls_make_a_tree_of_summaries():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def inner():
            clock.advance(10)

        @rbtrace.traced(hot=True)
        def outer():
            clock.advance(1)
            inner()
            inner()

        with rbtrace.span("run"):
            outer()
            outer()
            inner()
    outer_span = captured.one("outer")
    below, beside = captured.named("inner")
    if below.parent_id != outer_span.span_id:
        below, beside = beside, below
    assert below.parent_id == outer_span.span_id
    assert beside.parent_id == captured.one("run").span_id
    assert outer_span.attributes[key.DURATION_TOTAL] == 42
    assert outer_span.attributes[key.SELF_NS] == 2
    assert below.attributes[key.SPAN_COUNT] == 4
    assert beside.attributes[key.SPAN_COUNT] == 1
    assert below.start_ns == outer_span.start_ns
    assert beside.start_ns == outer_span.end_ns


def test_recursion_folds_into_the_first_node_of_the_name():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def a(depth):
            clock.advance(1)
            if depth:
                b(depth)

        @rbtrace.traced(hot=True)
        def b(depth):
            clock.advance(10)
            a(depth - 1)

        with rbtrace.span("run"):
            a(3)
    first, second = captured.one("a"), captured.one("b")
    assert first.attributes[key.SPAN_COUNT] == 4
    assert first.attributes[key.DURATION_TOTAL] == 34
    assert first.attributes[key.SELF_NS] == 4
    assert second.attributes[key.SPAN_COUNT] == 3
    assert second.attributes[key.SELF_NS] == 30
    assert second.attributes[key.DURATION_TOTAL] == 33


def test_a_real_span_inside_a_hot_call_hangs_under_its_summary():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            clock.advance(5)
            with rbtrace.span("real"):
                clock.advance(100)
                leaf()

        @rbtrace.traced(hot=True)
        def leaf():
            clock.advance(3)

        with rbtrace.span("run"):
            hot()
    real, summary = captured.one("real"), captured.one("hot")
    assert real.parent_id == summary.span_id
    assert captured.one("leaf").parent_id == real.span_id
    assert summary.attributes[key.SELF_NS] == 5
    assert summary.attributes[key.DURATION_TOTAL] == 108


def test_overlapping_real_spans_inside_a_hot_call_are_taken_off_once():
    with fake_clock() as clock, capture() as captured:

        def start(name, inside):
            tracer = RECORDER.pipeline().tracer("mine")
            return tracer.start_span(name, context=inside, start_time=now_ns())

        @rbtrace.traced(hot=True)
        def hot():
            inside = context.get_current()
            first = start("first", inside)
            clock.advance(10)
            second = start("second", inside)
            clock.advance(10)
            first.end(now_ns())
            clock.advance(10)
            second.end(now_ns())
            clock.advance(2)

        with rbtrace.span("run"):
            hot()
            hot()
    summary = captured.one("hot")
    assert {span.parent_id for span in captured.named("second")} == {summary.span_id}
    assert summary.attributes[key.SELF_NS] == 4
    assert summary.attributes[key.DURATION_TOTAL] == 64


def test_errors_are_counted_and_raised():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot(fails):
            if fails:
                raise KeyError(fails)

        with rbtrace.span("run"):
            hot(False)
            with pytest.raises(KeyError):
                hot(True)
    attributes = captured.one("hot").attributes
    assert attributes[key.SPAN_COUNT] == 2
    assert attributes[key.SUMMARY_ERRORS] == 1


def test_every_span_has_its_own_tree():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        for _ in range(3):
            with rbtrace.span("run"):
                hot()
    runs = [span.span_id for span in captured.named("run")]
    assert [span.parent_id for span in captured.named("hot")] == runs


def test_calls_outside_any_span_are_unattached():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            with rbtrace.span("real"):
                pass

        hot()
        hot()
    implicit = captured.one(key.UNATTACHED)
    assert implicit.parent_id is None
    summary = captured.one("hot")
    assert summary.parent_id == implicit.span_id
    assert summary.attributes[key.SPAN_COUNT] == 2
    assert {real.parent_id for real in captured.named("real")} == {summary.span_id}


def test_a_thread_without_a_span_of_its_own_gets_one_below_the_span_it_carries():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        with rbtrace.span("run"):
            hot()
            carried = contextvars.copy_context()
            thread = threading.Thread(target=lambda: carried.run(lambda: [hot(), hot()]))
            thread.start()
            thread.join()
    run, implicit = captured.one("run"), captured.one(key.THREAD)
    assert implicit.parent_id == run.span_id
    parents = {span.parent_id: span.attributes[key.SPAN_COUNT] for span in captured.named("hot")}
    assert parents == {run.span_id: 1, implicit.span_id: 2}


def test_context_carried_out_of_a_hot_call_into_another_thread():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def leaf():
            pass

        @rbtrace.traced(hot=True)
        def hot():
            carried = contextvars.copy_context()
            thread = threading.Thread(target=lambda: carried.run(leaf))
            thread.start()
            thread.join()
            leaf()

        with rbtrace.span("run"):
            hot()
    implicit = captured.one(key.THREAD)
    assert implicit.parent_id == captured.one("hot").span_id
    assert {leaf.parent_id for leaf in captured.named("leaf")} == {
        captured.one("hot").span_id,
        implicit.span_id,
    }


def test_interleaved_coroutines_do_not_disturb_each_other():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        async def task(number):
            with rbtrace.span(f"task {number}"):
                for _ in range(number):
                    hot()
                    await asyncio.sleep(0)

        async def main():
            await asyncio.gather(*(task(number) for number in range(1, 5)))

        asyncio.run(main())
    by_id = {span.span_id: span.name for span in captured.spans}
    counted = {
        by_id[span.parent_id]: span.attributes[key.SPAN_COUNT] for span in captured.named("hot")
    }
    assert counted == {f"task {number}": number for number in range(1, 5)}


def test_a_task_that_outlives_its_span_loses_no_call():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        async def late():
            await asyncio.sleep(0.01)
            hot()

        async def main():
            with rbtrace.span("run"):
                task = asyncio.create_task(late())
                hot()
            await task

        asyncio.run(main())
    implicit = captured.one(key.THREAD)
    assert implicit.parent_id == captured.one("run").span_id
    assert captured.calls()["hot"] == 2


def test_a_span_ended_inside_a_hot_call_keeps_the_call_in_progress():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def hot(manager):
            clock.advance(4)
            manager.__exit__(None, None, None)
            clock.advance(4)
            leaf()

        @rbtrace.traced(hot=True)
        def leaf():
            pass

        def unruly():
            manager = rbtrace.span("run")
            manager.__enter__()
            hot(manager)

        contextvars.copy_context().run(unruly)
    attributes = captured.one("hot").attributes
    assert attributes[key.SPAN_COUNT] == 1
    assert attributes[key.DURATION_TOTAL] == 4
    assert captured.calls()["leaf"] == 1


def test_baggage_attached_inside_a_hot_call_does_not_hide_it():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def leaf():
            pass

        @rbtrace.traced(hot=True)
        def hot():
            token = context.attach(baggage.set_baggage("user", "x"))
            leaf()
            context.detach(token)

        with rbtrace.span("run"):
            hot()
    assert captured.one("leaf").parent_id == captured.one("hot").span_id


def test_suppressed_instrumentation_records_nothing():
    with capture() as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        from opentelemetry.instrumentation.utils import suppress_instrumentation

        with rbtrace.span("run"), suppress_instrumentation():
            hot()
    assert "hot" not in captured.calls()


def test_slowest_calls_become_exemplars():
    with fake_clock() as clock, capture() as captured:

        @rbtrace.traced(hot=True)
        def hot(duration):
            clock.advance(duration)

        @rbtrace.traced(hot=True)
        def other(duration):
            clock.advance(duration)

        with rbtrace.span("run"):
            for duration in range(1, 1001):
                hot(duration)
            other(3)
    exemplars = [span for span in captured.spans if span.is_exemplar]
    assert len(exemplars) == tally.EXEMPLARS
    durations = sorted(span.duration_ns for span in exemplars if span.name == "hot")
    assert durations == list(range(992, 1001))
    assert [span.duration_ns for span in exemplars if span.name == "other"] == [3]
    assert {span.parent_id for span in exemplars if span.name == "hot"} == {
        captured.one("hot").span_id
    }


def test_a_full_tree_keeps_one_node_per_name(monkeypatch):
    monkeypatch.setattr(calltree, "MAX_NODES", 3)
    with fake_clock() as clock, capture() as captured:
        hot = [_hot_named(f"hot{number}", clock) for number in range(5)]
        with rbtrace.span("run"):
            for outer in hot:
                for inner in hot:
                    outer(lambda inner=inner: inner(lambda: None))
    assert captured.calls() == {"run": 1, **{f"hot{number}": 10 for number in range(5)}}
    total = captured.one("run").duration_ns
    assert sum(span.attributes[key.SELF_NS] for span in captured.spans if span.is_summary) == total


def _hot_named(name, clock):
    @rbtrace.traced(name=name, hot=True)
    def call(then):
        clock.advance(1)
        then()

    return call


def test_detail_calls_records_every_call():
    with capture(detail="calls") as captured:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        with rbtrace.span("run"):
            for _ in range(5):
                hot()
    assert len(captured.named("hot")) == 5
    assert not any(span.is_summary for span in captured.spans)


# A program of hot calls: each number is time that passes, each tuple a call of that operation.
_programs = st.recursive(
    st.integers(0, 10_000),
    lambda inner: st.tuples(st.sampled_from("abc"), st.lists(inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=200)
@given(st.lists(_programs, max_size=6))
def test_any_program_adds_up_and_equals_the_raw_durations(program):
    with fake_clock() as clock, capture() as captured:
        raw: dict[str, list[int]] = defaultdict(list)

        def run(step):
            if isinstance(step, int):
                clock.advance(step)
                return
            operations[step[0]](step[1])

        def make(name):
            @rbtrace.traced(name=name, hot=True)
            def hot(steps):
                started = clock.now_ns
                for step in steps:
                    run(step)
                raw[name].append(clock.now_ns - started)

            return hot

        operations = {name: make(name) for name in "abc"}
        with rbtrace.span("run"):
            for step in program:
                run(step)
    summaries = [span for span in captured.spans if span.is_summary]
    root = captured.one("run")
    outside = sum(step for step in program if isinstance(step, int))
    assert sum(span.attributes[key.SELF_NS] for span in summaries) == root.duration_ns - outside
    for name, durations in raw.items():
        mine = [span.attributes for span in summaries if span.name == name]
        assert sum(found[key.SPAN_COUNT] for found in mine) == len(durations)
        assert min(found[key.DURATION_MIN] for found in mine) == min(durations)
        assert max(found[key.DURATION_MAX] for found in mine) == max(durations)
        assert _merged(mine) == _expected(durations)


def _merged(summaries):
    counts: dict[int, int] = defaultdict(int)
    for found in summaries:
        before = 0
        for bound, cumulative in zip(
            found[key.HISTOGRAM_BOUNDS], found[key.HISTOGRAM_COUNTS][:-1], strict=True
        ):
            if cumulative > before:
                counts[round(bound * 1e9)] += cumulative - before
            before = cumulative
        assert found[key.HISTOGRAM_COUNTS][-1] == before == found[key.SPAN_COUNT]
    return dict(counts)


def _expected(durations):
    counts: dict[int, int] = defaultdict(int)
    for duration in durations:
        counts[bucket(duration)] += 1
    return dict(counts)


@settings(max_examples=1000)
@given(st.lists(st.integers(0, 2**62), min_size=1), st.integers(1, 7))
def test_folding_in_parts_equals_the_list_of_raw_durations(durations, parts):
    folded = Durations()
    for part in range(parts):
        folded = folded.plus(durations[part::parts])
    assert folded.calls == len(durations)
    assert folded.total == sum(durations)
    assert (folded.shortest, folded.longest) == (min(durations), max(durations))
    assert folded.buckets == _expected(durations)


@settings(max_examples=1000)
@given(st.integers(0, 2**62))
def test_a_bucket_is_an_eighth_of_an_octave(duration):
    upper = bucket(duration)
    lower = lower_edge(upper)
    assert lower < duration <= upper
    assert bucket(upper) == upper
    assert bucket(lower + 1) == upper
    assert upper - lower <= max(1, (lower + 1) / 8)


class Careless(tally.PlainTally):
    def keep(self, duration, start):
        pass


@settings(max_examples=1000)
@given(st.lists(st.integers(0, 2**40), min_size=1), st.integers(1, 5), st.integers(1, 9))
def test_a_plain_tally_folds_and_may_be_read_at_any_time(durations, fold_at, read_every):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "FOLD_AT", fold_at)
        counting = Careless()
        for place, duration in enumerate(durations):
            counting.note(duration, place)
            if place % read_every == 0:
                assert counting.counted()[0] == place + 1
    assert counting.counted() == Durations().plus(durations)


def test_memory_of_many_calls_is_bounded():
    counting = Careless()
    for duration in range(3 * tally.FOLD_AT):
        counting.note(duration, 0)
    assert len(counting._folded.pending) < tally.FOLD_AT
    assert counting.counted()[0] == 3 * tally.FOLD_AT


def test_hot_calls_stop_with_uninstrument_and_go_on_with_instrument(tmp_path):
    rbtrace.instrument(directory=tmp_path)
    try:

        @rbtrace.traced(hot=True)
        def hot():
            pass

        with rbtrace.span("run"):
            hot()
            rbtrace.uninstrument()
            hot()
            rbtrace.instrument(directory=tmp_path)
            hot()
    finally:
        rbtrace.shutdown()
    hot()
    (summary,) = [span for span in read_spans(tmp_path.rglob("*.otlp.jsonl")) if span.is_summary]
    assert summary.attributes[key.SPAN_COUNT] == 2
