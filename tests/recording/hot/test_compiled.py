"""Compiled hot calls record what the Python body records, and leave the program as it was."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import inspect
import os
import pickle
import signal
import sys
import threading
import traceback
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import baggage, context

import rbtrace
from rbtrace import conventions as key
from rbtrace.recording.hot import calltree
from rbtrace.recording.hot import wrapper as hot
from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.recording.hot.cursor import CURSORS
from rbtrace.recording.hot.tally import EXEMPLARS, Durations, PlainTally, bucket, counted, edges
from rbtrace.recording.operation import Operation
from rbtrace.recording.recorder import RECORDER
from rbtrace.testing import capture, fake_clock
from tests.support.compiler import CAN_COMPILE

needs_compiled = pytest.mark.skipif(COMPILED is None, reason="hot calls are not compiled here")


@pytest.fixture(params=["compiled", "python"])
def either(request, monkeypatch):
    """Both ways a hot call can run."""
    if request.param == "python":
        monkeypatch.setattr(hot, "COMPILED", None)
    elif COMPILED is None:
        pytest.skip("hot calls are not compiled here")


inside_or_around = pytest.mark.parametrize("attaches", [False, True], ids=["inside", "around"])


def engine_call(function, name=None, *, attaches=False, scope=key.SCOPE_NAME):
    RECORDER.get_ready()
    operation = Operation(name or function.__name__, scope, attaches=attaches)
    return hot.aggregated(function, operation, RECORDER.trees)


def users_call(function, name=None):
    return engine_call(function, name, attaches=True, scope=key.USER_SCOPE_NAME)


@pytest.mark.skipif(not CAN_COMPILE, reason="needs CPython with its headers and a C compiler")
def test_hot_calls_of_the_engine_are_compiled_where_they_can_be():
    assert COMPILED is not None
    assert COMPILED.is_quick(engine_call(lambda: None))
    assert COMPILED.is_quick(engine_call(lambda: None, attaches=True))
    assert not COMPILED.is_quick(users_call(lambda: None))


@needs_compiled
def test_what_is_no_wrapper_cannot_be_quickened():
    assert COMPILED is not None
    call = engine_call(lambda: None)
    for strange in ((len,), (_documented,), (call, _documented), (call, call)):
        with pytest.raises((TypeError, ValueError)):
            COMPILED.quicken(*strange)


_calls = st.lists(st.integers(0, 2**52 - 1) | st.integers(0, 3))


@needs_compiled
@settings(max_examples=1000)
@given(_calls)
def test_calls_are_counted_as_python_would(durations):
    assert COMPILED is not None
    compiled, plain = COMPILED.Tally(), PlainTally()
    for start, duration in enumerate(durations):
        compiled.note(duration, start)
        plain.note(duration, start)
        assert sorted(compiled.slowest()) == sorted(plain.slowest())
    assert compiled.counted() == plain.counted()
    assert sorted(durations)[-EXEMPLARS:] == sorted(kept for kept, _ in compiled.slowest())
    assert list(compiled.counted()[-1]) == sorted(plain.counted()[-1])


@needs_compiled
@settings(max_examples=1000)
@given(_calls)
def test_edges_are_those_of_python(durations):
    assert COMPILED is not None
    buckets = counted(sorted(durations))
    assert COMPILED.edges(buckets) == edges(buckets)


@needs_compiled
def test_the_edges_of_buckets_of_no_call_are_python_s():
    assert COMPILED is not None
    for strange in (-1, bucket(2**52), bucket(2**100)):
        with pytest.raises(OverflowError):
            COMPILED.edges({strange: 1})
    assert Durations().plus([2**100]).histogram() == (
        [(2**100 - 1) / 1e9, bucket(2**100) / 1e9],
        [0, 1, 1],
    )
    for strange in ([], {1: "many"}, {"few": 1}):
        with pytest.raises(TypeError):
            COMPILED.edges(strange)


@needs_compiled
def test_calls_of_months_and_of_less_than_nothing_are_counted_at_the_ends():
    assert COMPILED is not None
    tally = COMPILED.Tally()
    for duration in (-5, 2**60):
        tally.note(duration, 0)
    assert tally.counted() == (2, 2**60 - 5, -5, 2**60, {0: 1, 2**52 - 1: 1})
    with pytest.raises(OverflowError):
        tally.note(2**63, 0)
    for strange in ((1.5, 0), (1, None), (1,)):
        with pytest.raises(TypeError):
            tally.note(*strange)
    with pytest.raises(TypeError):
        COMPILED.Tally(1)
    assert tally.counted()[0] == 2


@needs_compiled
@inside_or_around
def test_an_ordinary_call_does_not_run_the_body(attaches):
    def frames():
        return [frame.name for frame in traceback.extract_stack()]

    call = engine_call(frames, attaches=attaches)
    with capture(), rbtrace.span("run"):
        first, second = call(), call()
    within = first.index("test_an_ordinary_call_does_not_run_the_body") + 1
    assert first[within:][-2 - attaches :] == ["call", *["run"] * attaches, "frames"]
    assert second[within:] == ["frames"]


def test_the_wrapper_stays_a_python_function(either, monkeypatch):
    call = engine_call(_documented)
    original = _documented
    assert inspect.isfunction(call)
    assert inspect.signature(call) == inspect.signature(original)
    assert (call.__doc__, call.__qualname__) == (original.__doc__, "_documented")
    assert call.__wrapped__ is original
    monkeypatch.setattr(sys.modules[__name__], "_documented", call)
    assert pickle.loads(pickle.dumps(call)) is call


def _documented(one, *more, key=2, **others):
    """What it does."""
    return one, more, key, others


def test_arguments_of_every_kind_arrive(either):
    call = engine_call(_documented)

    class Engine:
        method = call

    with capture() as captured, rbtrace.span("run"):
        for _ in range(2):
            assert call(1, 3, key=4, other=5) == (1, (3,), 4, {"other": 5})
            assert call(*range(3), key=0) == (0, (1, 2), 0, {})
            engine = Engine()
            assert engine.method(7) == (engine, (7,), 2, {})
            with pytest.raises(TypeError, match="missing 1 required positional argument: 'one'"):
                call()
    assert captured.one("_documented").attributes[key.SPAN_COUNT] == 8
    assert captured.one("_documented").attributes[key.SUMMARY_ERRORS] == 2


# A program: a number is time that passes, a text what happens, a tuple a block of steps.
_blocks = (*"abc", "user", "around", "span", "context", "copied", "thread", "catch", "halves")
_programs = st.recursive(
    st.integers(0, 10_000) | st.sampled_from(["raise", "stop", "resume"]),
    lambda inner: st.tuples(st.sampled_from(_blocks), st.lists(inner, max_size=5)),
    max_leaves=40,
)


class _BoomError(Exception):
    pass


class _Program:
    """Runs the steps; generators begun in one place go on wherever a step says "resume"."""

    def __init__(self, clock):
        self.clock = clock
        self.halves = []
        self.threads = []
        self.over = threading.Event()
        self.blocks = {name: engine_call(self.run, name) for name in "abc"}
        self.blocks |= {
            "user": users_call(self.run, "user"),
            "around": engine_call(self.run, "around", attaches=True),
            "span": self._span,
            "context": self._context,
            "copied": self._copied,
            "thread": self._thread,
            "catch": self.catch,
            "halves": self._halves,
        }

    def run(self, steps):
        for step in steps:
            if isinstance(step, int):
                self.clock.advance(step)
            elif isinstance(step, str):
                getattr(self, f"_{step}")()
            else:
                self.blocks[step[0]](step[1])

    def catch(self, steps):
        with contextlib.suppress(_BoomError):
            self.run(steps)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _raise(self):
        raise _BoomError

    def _stop(self):
        RECORDER.trees().stop()

    def _resume(self):
        if self.halves:
            next(self.halves.pop(), None)

    def _span(self, steps):
        with rbtrace.span("span"):
            self.run(steps)

    def _context(self, steps):
        token = context.attach(baggage.set_baggage("key", "value"))
        try:
            self.run(steps)
        finally:
            context.detach(token)

    def _copied(self, steps):
        contextvars.copy_context().run(self.run, steps)

    def _thread(self, steps):
        done = threading.Event()

        def work():
            self.catch(steps)
            done.set()
            self.over.wait()  # so that no later thread gets the same identity

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()
        done.wait()

    def _halves(self, steps):
        def generator():
            self.run(steps[::2])
            yield
            self.run(steps[1::2])

        begun = generator()
        next(begun)
        self.halves.append(begun)


def _recorded(program):
    with fake_clock() as clock, capture() as captured:
        running = _Program(clock)
        with rbtrace.span("run"):
            running.catch(program)
        running.end()
    return _without_ids(captured.spans)


def _without_ids(spans):
    """Everything about the spans but ids and the place of the monotonic clock on the epoch."""
    by_id = {span.span_id: span for span in spans}
    begin = next(span.start_ns for span in spans if span.name == "run")

    def path(span):
        return [*path(by_id[span.parent_id]), span.name] if span.parent_id in by_id else [span.name]

    def attributes(span):
        # The flush thread has a clock of its own.
        left_out = {key.THREAD_ID, key.SPANS_EXPORTED}
        found = {k: v for k, v in span.attributes.items() if k not in left_out}
        for moment in (key.FIRST_START_NS, key.LAST_END_NS):
            if moment in found:
                found[moment] -= begin
        return found

    return sorted(
        repr((path(span), span.start_ns - begin, span.duration_ns, span.status, attributes(span)))
        for span in spans
    )


@pytest.fixture(scope="module")
def small_trees():
    """Trees fill up after a few calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calltree, "MAX_NODES", 5)
        yield


@pytest.mark.slow
@needs_compiled
@settings(max_examples=1000)
@given(st.lists(_programs, max_size=8))
def test_any_program_is_recorded_as_the_python_body_would(small_trees, program):
    compiled = _recorded(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hot, "COMPILED", None)
        in_python = _recorded(program)
    assert compiled == in_python


def test_the_programs_reach_every_way_of_leaving_a_call(small_trees, either):
    many = [("a", [("b", [5])] * 4)] * 4
    recursion = ("a", [("b", [("a", [1, ("c", ["raise"])])])])
    program = [*many, ("catch", [recursion]), ("halves", [("a", [3]), ("b", [4])]), "resume"]
    with fake_clock() as clock, capture() as captured, rbtrace.span("run"):
        running = _Program(clock)
        running.catch([*program, ("thread", many), "stop", ("c", [7])])
        running.end()
    calls = captured.calls()
    assert (calls["a"], calls["b"], calls["c"]) == (11, 34, 2)
    assert sum(s.attributes.get(key.SUMMARY_ERRORS, 0) for s in captured.spans) == 4


@inside_or_around
def test_a_traceback_shows_the_program(either, attaches):
    def broken():
        raise _BoomError

    call = engine_call(broken, attaches=attaches)
    with capture(), rbtrace.span("run"):
        for _ in range(2):
            with pytest.raises(_BoomError) as caught:
                call()
            names = [frame.name for frame in caught.traceback]
            assert (names[0], names[-1]) == (sys._getframe().f_code.co_name, "broken")
            assert caught.value.__context__ is None


@inside_or_around
def test_an_interrupt_inside_a_call_is_an_error_of_the_call(either, attaches):
    def interrupted(number):
        if number:
            signal.raise_signal(signal.SIGINT)

    call = engine_call(interrupted, attaches=attaches)
    with capture() as captured, rbtrace.span("run"):
        around = context.get_current()
        call(0)
        with pytest.raises(KeyboardInterrupt):
            call(1)
        call(0)
        assert context.get_current() is around
        assert CURSORS.current.node.operation is None
    assert captured.one("interrupted").attributes[key.SPAN_COUNT] == 3
    assert captured.one("interrupted").attributes[key.SUMMARY_ERRORS] == 1


@inside_or_around
def test_endless_recursion_is_a_recursion_error(either, attaches):
    def endless():
        call()

    call = engine_call(endless, attaches=attaches)
    with capture() as captured, rbtrace.span("run"):
        for _ in range(2):
            with pytest.raises(RecursionError):
                call()
            assert CURSORS.current.node.operation is None
    assert captured.one("endless").attributes[key.SPAN_COUNT] > 100


def test_a_users_function_recurses_as_deep_as_it_could():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        with capture() as captured, rbtrace.span("run"):

            @rbtrace.traced(hot=True)
            def deep(levels):
                return 1 + deep(levels - 1) if levels else 0

            assert deep(10_000) == 10_000
    finally:
        sys.setrecursionlimit(limit)
    assert captured.one("deep").attributes[key.SPAN_COUNT] == 10_001


@inside_or_around
def test_a_million_calls_leave_nothing_behind(either, attaches):
    class Argument:
        pass

    def inner(argument):
        return argument

    def failing(argument):
        raise _BoomError

    def outer(argument, times):
        for _ in range(times):
            inner_call(argument)
            with contextlib.suppress(_BoomError):
                failing_call(argument)

    inner_call, failing_call, outer_call = (
        engine_call(function, attaches=attaches) for function in (inner, failing, outer)
    )
    argument = Argument()
    with capture(), rbtrace.span("run"):
        for _ in range(3):
            outer_call(argument, 2000)
        node = CURSORS.current.node.children["outer"]
        watched = (
            argument,
            node,
            node.children["inner"],
            inner,
            inner_call,
            CURSORS.current,
            CURSORS.current.context,
            0,
        )
        counted = Counter(map(type, gc.get_objects()))
        before = list(map(sys.getrefcount, watched))
        tracemalloc.start()
        try:
            for _ in range(2):
                outer_call(argument, 2000)
            first, _ = tracemalloc.get_traced_memory()
            for _ in range(20):
                outer_call(argument, 2000)
            last, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for _ in range(240):
            outer_call(argument, 2000)
        assert list(map(sys.getrefcount, watched)) == before
        grown = Counter(map(type, gc.get_objects())) - counted
    assert sum(grown.values()) < 1000, grown.most_common(3)
    assert last - first < 100_000


def test_every_thread_has_its_place(either):
    def work():
        return CURSORS.current

    call = engine_call(work)
    places = []

    def thread():
        with rbtrace.span("thread work"):
            places.extend(call() for _ in range(50))

    with capture() as captured:
        threads = [threading.Thread(target=thread) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        del threads
    assert len({id(place) for place in places}) == 8
    assert [span.attributes[key.SPAN_COUNT] for span in captured.named("work") if span.is_summary]
    assert captured.calls()["work"] == 8 * 50
    gone = places.pop()
    places.clear()
    gc.collect()
    assert sys.getrefcount(gone) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_stands_nowhere_and_the_parent_where_it_stood(either):
    def inner():
        return CURSORS.current.node

    def forking():
        inner_call()
        child = os.fork()
        if not child:
            os._exit(int(inner_call() is CURSORS.current.node))
        inner_call()
        return os.waitpid(child, 0)[1]

    inner_call, call = map(engine_call, (inner, forking))
    with capture() as captured, rbtrace.span("run"):
        call()
        assert call() == 0
    assert captured.calls()["inner"] == 4
