"""Off costs nothing, the environment is read once, and the first span is as long as its work."""

from __future__ import annotations

from statistics import median, quantiles

import pytest

PAIRS = """
    import sys, time
    from contextlib import nullcontext
    import rbtrace

    def spans(count):
        for _ in range(count):
            with rbtrace.span("x", a=1):
                pass

    def nothings(count):
        for _ in range(count):
            with nullcontext():
                pass

    def seconds(work):
        started = time.thread_time_ns()
        work(500)
        return time.thread_time_ns() - started

    spans(10)
    nothings(10)
    for number in range(201):
        first, second = (spans, nothings) if number % 2 else (nothings, spans)
        took = {first: seconds(first), second: seconds(second)}
        print(took[spans] / took[nothings])
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""


def test_a_span_that_is_off_costs_no_more_than_three_times_a_nullcontext(run_script):
    ran = run_script(PAIRS, covered=False)
    ratios = [float(line) for line in ran.printed.split()]
    low, *_, high = quantiles(ratios, n=20)
    assert median(ratios) <= 3, f"median of 201 pairs; nine tenths of them in [{low}, {high}]"


def test_the_environment_is_read_once(run_script):
    ran = run_script("""
        import os, rbtrace

        class Counted(dict):
            reads = 0
            def get(self, *key):
                Counted.reads += 1
                return super().get(*key)
            def __getitem__(self, key):
                Counted.reads += 1
                return super().__getitem__(key)

        os.environ = Counted(os.environ)
        with rbtrace.span("x"): pass
        first = Counted.reads
        for _ in range(10):
            with rbtrace.span("x"): pass
            rbtrace.traced(len)
        print(first > 0, Counted.reads == first)
    """)
    assert ran.printed == "True True\n"


def test_tracing_can_be_turned_on_before_the_first_use_and_by_a_call_later(run_script):
    ran = run_script("""
        import os, rbtrace
        os.environ["RBTRACE_ENABLED"] = "1"
        with rbtrace.span("by environment"): pass
    """)
    assert [span.name for span in ran.spans] == ["by environment"]
    ran = run_script("""
        import rbtrace
        with rbtrace.span("off"): pass
        rbtrace.instrument()
        with rbtrace.span("on"): pass
        rbtrace.uninstrument()
        with rbtrace.span("off"): pass
        rbtrace.configure(enabled=True)
        with rbtrace.span("on again"): pass
    """)
    assert {span.name for span in ran.spans} == {"by environment", "on", "on again"}


def test_off_accepts_what_a_span_accepts(run_script):
    code = """
        import rbtrace
        with rbtrace.span("x") as span:
            span.add_link(span.get_span_context(), {"a": 1})
            span.set_attribute("a", [1])
            print(type(span.get_span_context()).__name__)
            span.end()
    """
    off, on = run_script(code), run_script(code, RBTRACE_ENABLED="1")
    assert off.printed == on.printed == "SpanContext\n"
    assert on.complaints == ""


@pytest.mark.parametrize("how", ["span", "traced"])
def test_the_first_span_of_a_process_does_not_contain_the_set_up(run_script, how):
    ran = run_script(
        f"""
        import rbtrace, time
        def work(): time.sleep(0.01)
        traced = rbtrace.traced(work, name="x") if {how == "traced"} else None
        for name in ("first", "second", "third"):
            before = time.perf_counter()
            if traced:
                rbtrace.traced(name=name)(work)()
            else:
                with rbtrace.span(name): work()
            print(time.perf_counter() - before)
        """.replace('rbtrace.traced(work, name="x")', 'rbtrace.traced(name="x")(work)'),
        covered=False,
        RBTRACE_ENABLED="1",
    )
    took = [float(line) for line in ran.printed.split()]
    first = next(span for span in ran.spans if span.name == "first").duration_ns / 1e9
    assert 0.01 <= first < took[0]
    if how == "span":
        assert took[0] - first > first - 0.01, "most of what is set up is not in the span"
