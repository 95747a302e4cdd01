"""The OTLP protobuf messages: only the fields that the analyses read.

The messages are declared here and not taken from `opentelemetry-proto`, so that what need not be
decoded stays bytes: a span is only decoded when no span like it has been seen.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from rbtrace.analysis.attributes import KNOWN_ATTRIBUTES

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "rbtrace.otlp"
_BYTES: Final = _Field.TYPE_BYTES
_FIXED: Final = _Field.TYPE_FIXED64

_KNOWN: Final = {key.encode(): key for key in KNOWN_ATTRIBUTES}
UNREADABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises when bytes are not what they should be."""

# Message → its fields: number, name, type (or the message it holds), whether it repeats.
_MESSAGES: Final[dict[str, list[tuple[int, str, Any, bool]]]] = {
    "AnyValue": [
        (1, "string_value", _BYTES, False),
        (2, "bool_value", _Field.TYPE_BOOL, False),
        (3, "int_value", _Field.TYPE_INT64, False),
        (4, "double_value", _Field.TYPE_DOUBLE, False),
        (5, "array_value", "ArrayValue", False),
    ],
    "ArrayValue": [(1, "values", "AnyValue", True)],
    "KeyValue": [(1, "key", _BYTES, False), (2, "value", "AnyValue", False)],
    "Resource": [(1, "attributes", "KeyValue", True)],
    "Link": [
        (1, "trace_id", _BYTES, False),
        (2, "span_id", _BYTES, False),
        (4, "attributes", "KeyValue", True),
    ],
    "Span": [
        (1, "trace_id", _BYTES, False),
        (2, "span_id", _BYTES, False),
        (4, "parent_span_id", _BYTES, False),
        (5, "name", _BYTES, False),
        (7, "start", _FIXED, False),
        (8, "end", _FIXED, False),
        (9, "attributes", "KeyValue", True),
        (13, "links", "Link", True),
    ],
    "ScopeSpans": [(2, "spans", _BYTES, True)],
    # 1000 is what `instrumentation_library_spans` was before it became `scope_spans`.
    "ResourceSpans": [
        (1, "resource", _BYTES, False),
        (2, "scope_spans", "ScopeSpans", True),
        (1000, "library_spans", "ScopeSpans", True),
    ],
    "Request": [(1, "resource_spans", "ResourceSpans", True)],
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeats in fields:
            added = message.field.add(name=field, number=number)
            added.label = _Field.LABEL_REPEATED if repeats else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = kind
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
            for added in message.field:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES: Final = _classes()
decode_request: Final = _CLASSES["Request"].FromString
decode_span: Final = _CLASSES["Span"].FromString
decode_resource: Final = _CLASSES["Resource"].FromString


def plain(attributes: Any) -> dict[str, Any]:
    """The attributes that the analyses read, as a dictionary."""
    return {
        _KNOWN[key]: _plain_value(item.value) for item in attributes if (key := item.key) in _KNOWN
    }


def _plain_value(value: Any) -> Any:
    if text := value.string_value:  # almost always; to ask which it is takes longer
        decoded: str = text.decode("utf-8", "replace")
        return decoded
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain_value(item) for item in value.array_value.values]
    content = getattr(value, kind)
    return content.decode("utf-8", "replace") if kind == "string_value" else content
