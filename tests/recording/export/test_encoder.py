"""Our OTLP/JSON equals the official protobuf encoding of the same spans."""

from __future__ import annotations

import base64
import json

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from rbtrace.recording.export.encoder import encode_line
from rbtrace.recording.export.records import Record

_ids = ("traceId", "spanId", "parentSpanId")
_values = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3)
    | st.lists(st.text(max_size=4), max_size=3)
)
_attributes = st.dictionaries(st.text(min_size=1, max_size=8), _values, max_size=4)


def official(spans):
    request = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for group in request["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                for holder in (span, *span.get("links", ())):
                    for name in _ids:
                        if name in holder:
                            holder[name] = base64.b64decode(holder[name]).hex()
    return request


def ours(spans):
    return normalised(json.loads(encode_line(Record(span, {}) for span in spans)))


def normalised(value):
    """Leave out what the two may differ in.

    Protobuf leaves out empty lists and default values, which we may write. The official encoder
    leaves out the W3C flags of spans and links (bits 0–7) and the trace state of links, which the
    protocol asks for.
    """
    if isinstance(value, dict):
        cleaned = {name: normalised(item) for name, item in value.items()}
        if "flags" in cleaned:
            cleaned["flags"] &= ~0xFF
        if "name" not in cleaned:
            cleaned.pop("traceState", None)
        return {
            n: v for n, v in cleaned.items() if v not in ([], {}) or n in {"value", "arrayValue"}
        }
    if isinstance(value, list):
        return [normalised(item) for item in value]
    return value


def recorded(attributes, *, resource=None, limits=None):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource(resource or {"service.name": "s"}, "https://schema/r"),
        span_limits=limits,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("scope", "1.0", "https://schema/s", {"k": "v"})
    remote = SpanContext(
        5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")])
    )
    with tracer.start_as_current_span(
        "outer",
        context=set_span_in_context(NonRecordingSpan(remote)),
        kind=SpanKind.CLIENT,
        attributes=attributes,
        links=[Link(remote, {"x": 1}), Link(SpanContext(7, 8, is_remote=False))],
    ) as span:
        span.add_event("happened", attributes, timestamp=1_700_000_000_123_456_789)
        with tracer.start_as_current_span("inner") as inner:
            inner.set_status(Status(StatusCode.ERROR, "broken"))
    provider.get_tracer("other").start_span("root").end()
    return exporter.get_finished_spans()


@given(_attributes)
def test_equals_the_official_encoding(attributes):
    spans = recorded(attributes)
    assert ours(spans) == normalised(official(spans))


def test_flags_and_trace_state_are_written_where_the_official_encoder_leaves_them_out():
    line = json.loads(encode_line(Record(span, {}) for span in recorded({})))
    inner, outer = line["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert inner["flags"] & 1
    assert outer["links"][0]["flags"] == 0x301
    assert outer["links"][0]["traceState"] == "a=b"


def test_dropped_attributes_are_counted():
    spans = recorded({"a": 1, "b": 2, "c": 3}, limits=SpanLimits(max_span_attributes=1))
    assert ours(spans) == normalised(official(spans))


def test_line_is_one_line_and_extra_attributes_are_added():
    span = recorded({"a": "one\ntwo"})[0]
    line = encode_line([Record(span, {"extra": 7})])
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    (written,) = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {"key": "extra", "value": {"intValue": "7"}} in written["attributes"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), {"doubleValue": "NaN"}),
        (float("inf"), {"doubleValue": "Infinity"}),
        (float("-inf"), {"doubleValue": "-Infinity"}),
        (None, {}),
        (object, {"stringValue": "<class 'object'>"}),
    ],
)
def test_values_json_has_no_word_for(value, expected):
    span = recorded({})[0]
    line = encode_line([Record(span, {"odd": value})])
    (written,) = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert written["attributes"] == [{"key": "odd", "value": expected}]


def test_half_a_character_costs_a_question_mark_not_the_line():
    span = recorded({"a": "fine"})[0]
    line = encode_line([Record(span, {"half": "x\ud800y"}), Record(span, {})])
    first, _ = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert first["attributes"][-1] == {"key": "half", "value": {"stringValue": "x?y"}}
