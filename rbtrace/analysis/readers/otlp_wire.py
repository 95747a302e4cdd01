"""The OTLP JSON messages as msgspec types: only the fields that the analyses read."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw, Struct

from rbtrace.analysis.facts import UNDERSTOOD

ABSENT: Final = Raw()
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises when a line is not what it should be."""

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
    """What has attributes: a resource, a link."""

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
    """What is understood of attributes, as a dictionary."""
    return {
        item.key: item.value.plain()
        for item in attributes
        if item.key in UNDERSTOOD and item.value is not None
    }
