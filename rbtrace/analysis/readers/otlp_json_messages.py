"""The OTLP JSON messages as msgspec types: only the fields that the analyses read.

JSON from other writers than rbtrace differs in small ways: snake_case keys, the older
`instrumentationLibrarySpans`, null for an empty list. `lenient_request` rewrites such a line in the
spelling that the typed decoder knows, and keeps every span that can be decoded. An array may hold
several requests, and the answer to a query may hold one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw, Struct

from rbtrace.analysis.attributes import KNOWN_ATTRIBUTES
from rbtrace.analysis.readers.documents import UNREADABLE

ABSENT: Final = Raw()

Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Span(Struct, rename="camel", gc=False):
    """A span; attributes and links are left undecoded."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: Nanoseconds = 0
    end_time_unix_nano: Nanoseconds = 0
    attributes: Raw = ABSENT
    links: Raw = ABSENT


class ScopeSpans(Struct, rename="camel", gc=False):
    """Spans of one instrumentation scope."""

    spans: list[Span] = []


class ResourceSpans(Struct, rename="camel", gc=False):
    """Spans of one resource, which is left undecoded."""

    resource: Raw = ABSENT
    scope_spans: list[ScopeSpans] = []


class Request(Struct, rename="camel", gc=False):
    """One line."""

    resource_spans: list[ResourceSpans] = []


class ArrayValue(Struct, gc=False):
    """An array attribute."""

    values: list[AnyValue] = []


class AnyValue(Struct, rename="camel", gc=False):
    """An attribute value: the one field that is set."""

    string_value: Any = None
    int_value: Any = None
    double_value: Any = None
    bool_value: Any = None
    array_value: ArrayValue | None = None

    def plain(self) -> object:
        """The value itself. A number may still be its decimal text, as int64 is in JSON."""
        if self.array_value is not None:
            return [value.plain() for value in self.array_value.values]
        for value in (self.string_value, self.int_value, self.double_value, self.bool_value):
            if value is not None:
                return value
        return None


class KeyValue(Struct, gc=False):
    """An attribute."""

    key: str
    value: AnyValue | None = None


class Attributed(Struct, gc=False):
    """A message with attributes: a resource, a link."""

    attributes: list[KeyValue] = []


class Link(Struct, rename="camel", gc=False):
    """A link to another span."""

    trace_id: str = ""
    span_id: str = ""
    attributes: list[KeyValue] = []


decode_request: Final = msgspec.json.Decoder(Request, strict=False).decode
decode_attributes: Final = msgspec.json.Decoder(list[KeyValue], strict=False).decode
decode_attributed: Final = msgspec.json.Decoder(Attributed, strict=False).decode
decode_text: Final = msgspec.json.Decoder(str).decode
decode_links: Final = msgspec.json.Decoder(list[Link], strict=False).decode


def plain(attributes: list[KeyValue]) -> dict[str, object]:
    """The attributes that the analyses read, as a dictionary."""
    return {
        item.key: item.value.plain()
        for item in attributes
        if item.key in KNOWN_ATTRIBUTES and item.value is not None
    }


_OTHER_NAMES: Final = {
    "instrumentationLibrarySpans": "scopeSpans",
    "instrumentation_library_spans": "scopeSpans",
}
_ANSWER: Final = "result"
"""Key of the request in an answer of Jaeger's query interface."""
_OTHER_SIGNALS: Final = frozenset({"resourceMetrics", "resourceLogs", "resourceProfiles"})


def lenient_request(line: bytes) -> tuple[Request, int] | None:
    """Decode a line that does not fit the types.

    Returns:
        The request and how many of its spans could not be understood; None if it is not one.
    """
    try:
        document = _renamed(msgspec.json.decode(line))
    except UNREADABLE:
        return None
    requests = document if isinstance(document, list) else [document]
    bad = 0
    resources: list[ResourceSpans] = []
    for request in requests:
        inner = request.get(_ANSWER, request) if isinstance(request, dict) else None
        if not isinstance(inner, dict) or not _is_request(inner):
            return None
        bad += _gather(inner, resources)
    return Request(resources), bad


def _gather(request: dict[str, Any], resources: list[ResourceSpans]) -> int:
    """Add the spans of a request; how many could not be understood."""
    bad = 0
    for resource in _objects(request.get("resourceSpans")):
        spans: list[Span] = []
        for scope in _objects(resource.get("scopeSpans")):
            for fields in _objects(scope.get("spans")):
                span = _span(fields)
                if span is None:
                    bad += 1
                else:
                    spans.append(span)
        described = resource.get("resource")
        raw = ABSENT if described is None else _raw(described)
        resources.append(ResourceSpans(raw, [ScopeSpans(spans)]))
    return bad


def _is_request(document: dict[str, Any]) -> bool:
    return not document or "resourceSpans" in document or bool(_OTHER_SIGNALS & set(document))


def _span(fields: dict[str, Any]) -> Span | None:
    own = {key: value for key, value in fields.items() if value is not None}
    attributes = own.pop("attributes", None)
    links = own.pop("links", None)
    try:
        span = msgspec.convert(own, Span, strict=False)
    except msgspec.ValidationError:
        return None
    if attributes:
        span.attributes = _raw(attributes)
    if links:
        span.links = _raw(links)
    return span


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return value


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return _OTHER_NAMES.get(key) or first + "".join(word.capitalize() for word in rest)
