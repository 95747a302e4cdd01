"""Whose tracer provider our spans come from: the program's own, before or after, or none."""

from __future__ import annotations

import sys

import pytest

from rbtrace import conventions as key

AUTO = "opentelemetry.instrumentation.auto_instrumentation"
ON = {"RBTRACE_ENABLED": "1"}

PROGRAM = """
import sys
import rbtrace
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()

def set_provider():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider, "the program's provider was refused"

def exported():
    return sorted(span.name for span in exporter.get_finished_spans())

@rbtrace.traced(hot=True)
def hot():
    pass

@rbtrace.traced
def ours():
    hot()
    with trace.get_tracer("mine").start_as_current_span("theirs"):
        with rbtrace.span("nested"):
            hot()
"""


def parents(spans):
    names = {span.span_id: span.name for span in spans}
    return {(span.name, names.get(span.parent_id)) for span in spans if not span.is_exemplar}


NESTED = {
    ("ours", None),
    ("hot", "ours"),
    ("theirs", "ours"),
    ("nested", "theirs"),
    ("hot", "nested"),
}


def test_provider_set_before_gets_our_spans_too(run_script):
    done = run_script(PROGRAM + "set_provider(); ours(); print(exported())", **ON)
    assert done.printed.split() == ["['nested',", "'ours',", "'theirs']"]
    assert parents(done.spans) == NESTED
    for span in done.spans:
        assert key.RUN_ID in span.attributes
        assert key.PROCESS_PID in span.attributes
        assert key.RUN_ID not in span.resource


def test_provider_set_after_is_accepted_and_its_spans_are_kept(run_script):
    done = run_script(
        PROGRAM
        + """
with rbtrace.span("early"):
    pass
set_provider()
ours()
print(exported())
""",
        **ON,
    )
    assert done.printed.split() == ["['theirs']"]
    assert parents(done.spans) == NESTED | {("early", None)}
    by_name = {span.name: span for span in done.spans}
    assert key.RUN_ID in by_name["ours"].resource
    assert key.RUN_ID in by_name["theirs"].attributes


def test_no_provider_of_the_programs_leaves_none_behind(run_script):
    done = run_script(PROGRAM + "ours(); print(type(trace.get_tracer_provider()).__name__)", **ON)
    assert done.printed.strip() == "ProxyTracerProvider"
    names = {span.name for span in done.spans}
    assert names == {"ours", "hot", "nested"}
    (resource,) = {tuple(sorted(span.resource)) for span in done.spans}
    assert {
        key.SERVICE_NAME,
        key.SERVICE_INSTANCE_ID,
        key.PROCESS_PID,
        key.HOST_NAME,
        key.RUN_ID,
    } <= set(resource)


def test_programs_provider_is_not_shut_down_and_we_go_inert(run_script):
    done = run_script(
        PROGRAM
        + """
rbtrace.instrument()
set_provider()
with rbtrace.span("traced"):
    pass
rbtrace.uninstrument()
with rbtrace.span("not ours any more"):
    pass
with trace.get_tracer("mine").start_as_current_span("later"):
    pass
print(exported())
"""
    )
    assert done.printed.split() == ["['later',", "'traced']"]
    assert [span.name for span in done.spans] == ["traced"]


def test_opentelemetry_instrument_finds_us_and_needs_no_variable(run_script):
    done = run_script(
        """
        import rbtrace
        with rbtrace.span("ours"):
            pass
        from rbtrace.recording.engines.instrumentor import RustybtInstrumentor
        print(RustybtInstrumentor().is_instrumented_by_opentelemetry)
        """,
        launcher=("-c", f"from {AUTO} import run; run()", sys.executable),
        OTEL_TRACES_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    assert done.printed.strip() == "True"
    assert [span.name for span in done.spans] == ["ours"]


@pytest.mark.parametrize(
    ("variables", "attributes"),
    [
        ({"OTEL_SERVICE_NAME": "mine"}, {"service.name": "mine"}),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=x,team=q"}, {"service.name": "x", "team": "q"}),
        ({}, {"service.name": "rbtrace"}),
        ({"RBTRACE_ARM": "baseline", "RBTRACE_PAIR": "3", "RBTRACE_ORDER": "1"},
         {"rbtrace.arm": "baseline", "rbtrace.pair": 3, "rbtrace.order": 1}),
        ({"RBTRACE_RUN_ID": "my-run"}, {"rbtrace.run.id": "my-run"}),
    ],
)  # fmt: skip
def test_resource_says_what_the_environment_says(run_script, variables, attributes):
    done = run_script("import rbtrace\nwith rbtrace.span('a'): pass", **ON, **variables)
    (span,) = done.spans
    assert attributes.items() <= span.resource.items()


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
    ],
)
def test_standard_variables_that_switch_recording_off_are_honoured(run_script, variables):
    done = run_script(PROGRAM + "hot(); ours(); print('done')", **ON, **variables)
    assert done.printed.strip() == "done"
    assert done.files == []
    assert done.complaints == ""
