"""The program's exceptions and calls come out of traced code as they would without it."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import suppress

import pytest

import rbtrace
from rbtrace.conventions import ERROR_TYPE
from rbtrace.testing import capture


class NoTextError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class SealedError(Exception):
    def __setattr__(self, name, value):
        raise RuntimeError("sealed")


class ClosedError(Exception):
    def __getattribute__(self, name):
        raise RuntimeError("closed")


class MaskedError(Exception):
    __class__ = property(lambda self: 1 / 0)
    __module__ = 5


class InterruptingError(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class EndlessError(Exception):
    def __str__(self):  # noqa: PLE0307 - it never does
        while True:
            len(self.args)


KINDS = (
    NoTextError, SealedError, ClosedError, MaskedError, InterruptingError, EndlessError,
    ValueError, SystemExit, GeneratorExit,
    KeyboardInterrupt, asyncio.CancelledError, RecursionError, MemoryError, StopIteration,
)  # fmt: skip


def came_out(raiser, error):
    try:
        raiser(error)
    except BaseException as caught:  # noqa: BLE001 - of every kind
        same, entry = caught is error, BaseException.__traceback__.__get__(caught)
    assert same
    return depth(entry)


def depth(entry):
    entries = 0
    while entry is not None:
        entries, entry = entries + 1, entry.tb_next
    return entries


@pytest.mark.parametrize("params", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_exception_comes_out_as_it_went_in(kind, params):
    def plain(error):
        raise error

    def in_span(error):
        with rbtrace.span("x"):
            raise error

    with capture(params=params) as captured:
        traced = rbtrace.traced(plain, name="x")
        for raiser in (in_span, traced):
            cause = KeyError("cause")
            error = kind.__new__(kind, "text")
            BaseException.__cause__.__set__(error, cause)
            assert came_out(raiser, error) == came_out(plain, kind.__new__(kind, "text"))
            assert BaseException.__cause__.__get__(error) is cause
            assert BaseException.__context__.__get__(error) is None
    assert len(captured.named("x")) == 2


def test_nothing_is_noted_on_an_exception():
    error = ValueError("a")
    with capture(), pytest.raises(ValueError, match="a"), rbtrace.span("outer"), rbtrace.span("in"):
        raise error
    assert vars(error) == {}
    assert vars(pickle.loads(pickle.dumps(error))) == {}


def test_each_exception_is_recorded_once_in_the_innermost_span():
    def fail(number):
        with rbtrace.span("inner"):
            raise ValueError(number)

    with capture() as captured:

        @rbtrace.traced(name="outer")
        def outer():
            for number in range(50):
                with suppress(ValueError), rbtrace.span("middle"):
                    fail(number)
            raise LookupError

        with pytest.raises(LookupError):
            outer()
    assert all(len(span.events) == 1 for span in captured.named("inner"))
    assert not any(span.events for span in captured.named("middle"))
    assert len(captured.one("outer").events) == 1
    assert captured.one("outer").attributes[ERROR_TYPE] == "LookupError"


def test_another_exception_at_the_same_address_is_recorded_too():
    with capture() as captured:
        for _ in range(50):
            with pytest.raises(ValueError, match="x"), rbtrace.span("x"):
                raise ValueError("x")
    assert [len(span.events) for span in captured.named("x")] == [1] * 50


def test_a_recursion_records_its_exception_once():
    with capture() as captured:

        @rbtrace.traced(name="down")
        def down(levels):
            if not levels:
                raise ValueError("bottom")
            down(levels - 1)

        with pytest.raises(ValueError, match="bottom"):
            down(100)
    assert sum(len(span.events) for span in captured.named("down")) == 1


def test_no_failure_is_what_ends_or_is_closed():
    with capture() as captured:
        for error in (SystemExit(), SystemExit(0), GeneratorExit(), SystemExit(3)):
            with pytest.raises(type(error)), rbtrace.span("x"):
                raise error
    assert [span.status for span in captured.named("x")] == [0, 0, 0, 2]


def test_a_message_with_hostile_arguments_is_recorded_without_their_code():
    with capture(params=True) as captured, suppress(ValueError), rbtrace.span("x"):
        raise ValueError(NoTextError(), 7)
    ((_, attributes),) = captured.one("x").events
    assert attributes["exception.message"] == "<NoTextError>, 7"
    assert "test_exceptions.py" in attributes["exception.stacktrace"]


def test_at_the_limit_of_recursion_only_the_programs_own_error_comes_out(run_script):
    code = """
        import sys, rbtrace
        def down(level, deepest):
            deepest[0] = level
            with rbtrace.span("x", level=level):
                pass
            down(level + 1, deepest)
        with rbtrace.span("before"): pass
        for limit in (200, 300):
            sys.setrecursionlimit(limit)
            deepest = [0]
            try:
                down(0, deepest)
            except RecursionError:
                print(limit, limit - deepest[0] < 20)
        sys.setrecursionlimit(1000)
        with rbtrace.span("after"): pass
    """
    for enabled in "01":
        ran = run_script(code, RBTRACE_ENABLED=enabled)
        assert ran.printed.split() == ["200", "True", "300", "True"]
    (after,) = (span for span in ran.spans if span.name == "after")
    assert after.parent_id is None


@pytest.mark.parametrize("part", ["sampler", "processor", "ids"])
def test_parts_of_the_programs_provider_may_raise(run_script, part):
    code = f"""
        import rbtrace
        from opentelemetry import trace
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
        class Bad(Exception):
            def __repr__(self): raise self
            __str__ = __repr__
        def fail(*_, **__): raise Bad
        class S(Sampler):
            should_sample = fail
            def get_description(self): return "S"
        class P(SpanProcessor):
            on_start = on_end = fail
        class I(RandomIdGenerator):
            generate_span_id = fail
        part = {part!r}
        provider = TracerProvider(sampler=S() if part == "sampler" else ALWAYS_ON,
                                  id_generator=I() if part == "ids" else None)
        if part == "processor": provider.add_span_processor(P())
        trace.set_tracer_provider(provider)
        @rbtrace.traced
        def work(): return 5
        @rbtrace.traced(hot=True)
        def often(): return 6
        print(often())
        with rbtrace.span("x") as span:
            span.set_attribute("a", 1)
            print(work(), often())
    """
    ran = run_script(code, RBTRACE_ENABLED="1")
    assert ran.printed == "6\n5 6\n"
    assert "rbtrace: warning: a span is not" in ran.complaints


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "-1"},
        {"OTEL_SPAN_EVENT_COUNT_LIMIT": "1e3"},
    ],
)
def test_limits_of_opentelemetry_that_are_no_numbers_stop_tracing_not_the_program(
    run_script, variables
):
    code = """
        import rbtrace
        @rbtrace.traced
        def work(): return 5
        with rbtrace.span("x", a=1):
            print(work())
    """
    ran = run_script(code, RBTRACE_ENABLED="1", **variables)
    assert ran.printed == "5\n"
    assert ran.complaints.count("rbtrace: warning: ") >= 1
    assert all(line.startswith("rbtrace: warning: ") for line in ran.complaints.splitlines())


def test_ctrl_c_reaches_the_program_from_anywhere_in_a_span(run_script):
    code = """
        import rbtrace, signal, sys
        with rbtrace.span("first"): pass
        def interrupt(*_): raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        caught = 0
        for microseconds in range(20, 1020, 5):
            try:
                signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)
                while True:
                    with rbtrace.span("x", a=[1, 2.5], b={"c": 1}): pass
            except KeyboardInterrupt:
                caught += 1
        print(caught)
    """
    ran = run_script(code, covered=False, RBTRACE_ENABLED="1")
    assert ran.printed == "200\n"


def test_one_manager_may_be_entered_several_times():
    with capture() as captured:
        manager = rbtrace.span("x")
        with manager, manager:
            pass
        with manager:
            pass
        with rbtrace.span("after"):
            pass
    assert len(captured.named("x")) == 3
    assert captured.one("after").parent_id is None


def test_a_failing_extractor_or_name_costs_attributes_not_the_call():
    with capture() as captured:

        class Callable:
            def __getattr__(self, name):
                raise OSError(name)

            def __call__(self):
                return 5

        traced = rbtrace.traced(Callable())
        assert traced() == 5
    assert len(captured.spans) <= 1
