"""Spans → one line of OTLP/JSON, as the OpenTelemetry Collector's file exporter writes it.

The official Python file exporter is beta and takes tens of microseconds per span; this one is
tested against the official protobuf encoding of the same spans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rbtrace.errors import let_through
from rbtrace.recording.export.values import attribute_value, text

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, Status

    from rbtrace.recording.export.records import Record

_INT64 = 2**63
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200


def encode_line(records: Sequence[Record]) -> bytes:
    """Encode spans as one `ExportTraceServiceRequest`, newline included.

    Spans are grouped by resource and scope in the order of their first span. What the SDK takes
    and OTLP cannot hold is written as the text that comes nearest.
    """
    groups: dict[int, tuple[Resource, dict[Any, list[dict[str, Any]]]]] = {}
    spans_of: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for record in records:
        span = record.span
        resource, scope = span.resource, span.instrumentation_scope
        spans = spans_of.get((id(resource), id(scope)))
        if spans is None:  # hashing a scope takes as long as encoding a span
            _, scopes = groups.setdefault(id(resource), (resource, {}))
            spans = spans_of[id(resource), id(scope)] = scopes.setdefault(scope, [])
        spans.append(_surely(span, record.extra))
    request = {
        "resourceSpans": [_resource_spans(resource, scopes) for resource, scopes in groups.values()]
    }
    try:
        return msgspec.json.encode(request) + b"\n"
    except Exception as problem:  # noqa: BLE001 - names and times the program made itself
        let_through(problem)
        return msgspec.json.encode(_encodable(request)) + b"\n"


def _encodable(value: Any) -> Any:
    """The same of exact built-in types, with whole characters only."""
    kind = type(value)
    if kind is dict:
        return {text(name): _encodable(item) for name, item in value.items()}
    if kind is list:
        return [_encodable(item) for item in value]
    return value if kind is msgspec.Raw else attribute_value(value)


def _resource_spans(
    resource: Resource, scopes: Mapping[InstrumentationScope | None, list[dict[str, Any]]]
) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "resource": {"attributes": _attributes(resource.attributes)},
        "scopeSpans": [_scope_spans(scope, spans) for scope, spans in scopes.items()],
    }
    if resource.schema_url:
        encoded["schemaUrl"] = resource.schema_url
    return encoded


def _scope_spans(scope: InstrumentationScope | None, spans: list[dict[str, Any]]) -> dict[str, Any]:
    if scope is None:
        return {"scope": {}, "spans": spans}
    described: dict[str, Any] = {"name": scope.name}
    if scope.version:
        described["version"] = scope.version
    if scope.attributes:
        described["attributes"] = _attributes(scope.attributes)
    encoded: dict[str, Any] = {"scope": described, "spans": spans}
    if scope.schema_url:
        encoded["schemaUrl"] = scope.schema_url
    return encoded


def _surely(span: ReadableSpan, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The span; without its details if they change meanwhile, or are none OpenTelemetry has."""
    try:
        return _span(span, extra)
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        let_through(problem)
        context, parent = span.context, span.parent
        assert context is not None
        times = [at if type(at) is int else 0 for at in (span.start_time, span.end_time)]
        return {
            "traceId": f"{context.trace_id:032x}",
            "spanId": f"{context.span_id:016x}",
            **({} if parent is None else {"parentSpanId": f"{parent.span_id:016x}"}),
            "flags": _flags(context, parent),
            "name": span.name,
            "kind": 1,
            "startTimeUnixNano": str(times[0]),
            **({} if span.end_time is None else {"endTimeUnixNano": str(times[1])}),
            "attributes": _attributes(extra),
            "droppedAttributesCount": len(span.attributes or ()),
            "status": {},
        }


def _span(span: ReadableSpan, extra: Mapping[str, Any]) -> dict[str, Any]:
    context = span.context
    assert context is not None
    encoded: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
    }
    if context.trace_state:
        encoded["traceState"] = context.trace_state.to_header()
    if span.parent is not None:
        encoded["parentSpanId"] = f"{span.parent.span_id:016x}"
    encoded["flags"] = _flags(context, span.parent)
    encoded["name"] = span.name
    encoded["kind"] = span.kind.value + 1
    encoded["startTimeUnixNano"] = str(int(span.start_time or 0))
    if span.end_time is not None:
        encoded["endTimeUnixNano"] = str(int(span.end_time))
    attributes = span.attributes or {}
    if extra:
        attributes = {**attributes, **extra}
    if attributes:
        encoded["attributes"] = _attributes(attributes)
    _add_events_links_status(encoded, span)
    return encoded


def _add_events_links_status(encoded: dict[str, Any], span: ReadableSpan) -> None:
    if span.dropped_attributes:
        encoded["droppedAttributesCount"] = span.dropped_attributes
    if span.dropped_events:
        encoded["droppedEventsCount"] = span.dropped_events
    if span.dropped_links:
        encoded["droppedLinksCount"] = span.dropped_links
    if span.events:
        encoded["events"] = [_event(event) for event in span.events]
    if span.links:
        encoded["links"] = [_link(link) for link in span.links]
    encoded["status"] = {} if span.status.is_unset else _status(span.status)


def _status(status: Status) -> dict[str, Any]:
    encoded: dict[str, Any] = {"message": status.description} if status.description else {}
    return {**encoded, "code": status.status_code.value}


def _flags(context: SpanContext, parent: SpanContext | None) -> int:
    remote = _IS_REMOTE if parent is not None and parent.is_remote else 0
    return int(context.trace_flags) | _HAS_IS_REMOTE | remote


def _event(event: Event) -> dict[str, Any]:
    encoded: dict[str, Any] = {"timeUnixNano": str(int(event.timestamp)), "name": event.name}
    if event.attributes:
        encoded["attributes"] = _attributes(event.attributes)
    return encoded


def _link(link: Link) -> dict[str, Any]:
    context = link.context
    encoded: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
    }
    if context.trace_state:
        encoded["traceState"] = context.trace_state.to_header()
    if link.attributes:
        encoded["attributes"] = _attributes(link.attributes)
    encoded["flags"] = _flags(context, context)
    return encoded


def _attributes(attributes: Mapping[str, Any]) -> msgspec.Raw:
    """A list of attributes, encoded: an object for each and its value is what most time went to."""
    by_type = _BY_TYPE
    try:
        encoded = [
            _up_to_value(key) + (by_type.get(type(value)) or _value)(value) + b"}"
            for key, value in attributes.items()
        ]
    except Exception as problem:  # noqa: BLE001 - a value the program set by means of its own
        let_through(problem)
        encoded = [
            _up_to_value(text(key)) + _value(value) + b"}"
            for key, value in list(attributes.items())
        ]
    return msgspec.Raw(b"[" + b",".join(encoded) + b"]")


@lru_cache(1024)
def _up_to_value(key: str) -> bytes:
    return b'{"key":' + _text(key) + b',"value":'


def _text(value: str) -> bytes:
    try:
        return msgspec.json.encode(value)
    except Exception as problem:  # noqa: BLE001 - half a character, or derived from str
        let_through(problem)
        return msgspec.json.encode(text(value))


def _value(value: object) -> bytes:
    plain = attribute_value(value)
    return _BY_TYPE[type(plain)](plain)


def _string(value: str) -> bytes:
    return b'{"stringValue":' + _text(value) + b"}"


def _integer(value: int) -> bytes:
    if -_INT64 <= value < _INT64:
        return b'{"intValue":"%d"}' % value
    return _value(value)


def _array(values: Sequence[Any]) -> bytes:
    kinds = set(map(type, values))
    if kinds == {int} and min(values) >= -_INT64 and max(values) < _INT64:
        items = _numbers(b'{"intValue":"', values, b'"}')
    elif kinds == {float} and all(map(isfinite, values)):
        items = _numbers(b'{"doubleValue":', values, b"}")
    else:
        items = b",".join([(_BY_TYPE.get(type(item)) or _value)(item) for item in values])
    return b'{"arrayValue":{"values":[' + items + b"]}}"


def _numbers(before: bytes, values: Sequence[float], after: bytes) -> bytes:
    """The items of an array of one kind of number: a histogram has many."""
    numbers = msgspec.json.encode(values)[1:-1].replace(b",", after + b"," + before)
    return before + numbers + after


def _double(value: float) -> bytes:
    """Protobuf's JSON mapping writes the three doubles that JSON has no number for as strings."""
    if isfinite(value):
        return b'{"doubleValue":' + msgspec.json.encode(float(value)) + b"}"
    name = b"NaN" if isnan(value) else b"Infinity" if value > 0 else b"-Infinity"
    return b'{"doubleValue":"' + name + b'"}'


_BY_TYPE: Final[Mapping[type, Callable[[Any], bytes]]] = {
    bool: lambda value: b'{"boolValue":true}' if value else b'{"boolValue":false}',
    str: _string,
    int: _integer,
    bytes: lambda value: _string(repr(value)),
    float: _double,
    tuple: _array,
    list: _array,
    type(None): lambda _: b"{}",
}
"""How a value of a type is encoded; one of another type is turned into one of these before."""
