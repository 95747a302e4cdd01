"""The lenient way through an OTLP JSON line: other spellings, and good spans among bad ones.

JSON that writers other than ours produce differs in small ways: snake_case keys, the older
`instrumentationLibrarySpans`, null for an empty list. This module rewrites such a line in the
spelling the typed decoder knows, and keeps every span that can be understood. Several requests may
stand in an array, and one in the answer of a query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rbtrace.analysis.readers.otlp_wire import (
    ABSENT,
    UNREADABLE,
    Request,
    ResourceSpans,
    ScopeSpans,
    Span,
)

_OTHER_NAMES: Final = {
    "instrumentationLibrarySpans": "scopeSpans",
    "instrumentation_library_spans": "scopeSpans",
}
_ANSWER: Final = "result"
"""Where the answer of Jaeger's query interface has the request."""
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
