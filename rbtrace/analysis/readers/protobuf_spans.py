"""Spans of OTLP protobuf messages as columns.

An ordinary span has its ids, name and times where every encoder puts them, and is scanned: it is
only decoded if no span has had the same bytes after its times before. All others are decoded.

The messages are declared here, with the fields that the analyses read alone, and not taken from
`opentelemetry-proto`, so that what need not be decoded stays bytes.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from rbtrace.analysis.arrays import Codes, Ids
from rbtrace.analysis.attributes import KNOWN_ATTRIBUTES
from rbtrace.analysis.columns import Builder, Chunk
from rbtrace.analysis.readers.fast_path import (
    COMPILED,
    NAME,
    SHARED,
    UNKNOWN,
    AttributeCache,
    DecodedAttributes,
    Miss,
    ScannedRows,
)
from rbtrace.analysis.sources import ReadFaults
from rbtrace.conventions import LINK

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


_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
_LATEST: Final = 2**63 - 1
_ONE_BYTE: Final = 0x80
"""A varint below this has one byte."""

# Tags of the fields of an ordinary span and, where that is fixed, their length.
_IDS: Final = Struct(">2sQQ2sQ")
_IDS_TAGS: Final = (b"\x0a\x10", b"\x12\x08")
_PARENT: Final = Struct(">2sQ")
_PARENT_TAG: Final = b"\x22\x08"
_NAME_TAG: Final = 0x2A
_KIND_AND_TIMES: Final = Struct("<BBBQBQ")
_KIND_AND_TIMES_TAGS: Final = (0x30, 0x39, 0x41)
_LONGEST_HEAD: Final = bytes(512)
"""Appended to a span, so that fields can be looked for beyond its end."""
_ROW: Final = Struct("=QQQQqqii")
"""As `rbtrace.analysis.readers.fast_path.ROW` has it."""


def scan_spans(
    spans: tuple[bytes, ...], names: dict[bytes, int], shared: dict[bytes, int]
) -> tuple[bytes, list[Miss], list[int]]:
    """The ordinary ones of protobuf spans; see `CompiledScanner`, which does the same."""
    rows: list[bytes] = []
    misses: list[Miss] = []
    others: list[int] = []
    for number, span in enumerate(spans):
        padded = span + _LONGEST_HEAD
        trace_tag, high, low, span_tag, span_id = _IDS.unpack_from(padded)
        at, parent = _IDS.size, 0
        if padded.startswith(_PARENT_TAG, at):
            _, parent = _PARENT.unpack_from(padded, at)
            at += _PARENT.size
        begin, end = at + 2, at + 2 + padded[at + 1]
        kind_tag, kind, start_tag, start, end_tag, finish = _KIND_AND_TIMES.unpack_from(padded, end)
        is_ordinary = (
            (trace_tag, span_tag) == _IDS_TAGS
            and padded[at] == _NAME_TAG
            and (end - begin) | kind < _ONE_BYTE
            and (kind_tag, start_tag, end_tag) == _KIND_AND_TIMES_TAGS
            and end + _KIND_AND_TIMES.size <= len(span)
        )
        if not is_ordinary:
            others.append(number)
            continue
        if max(start, finish) > _LATEST:
            span_id = start = finish = 0  # no time is that late: it is invalid
        name, attributes = span[begin:end], span[end + _KIND_AND_TIMES.size :]
        name_code, shared_code = names.get(name, UNKNOWN), shared.get(attributes, UNKNOWN)
        if name_code == UNKNOWN:
            misses.append(Miss(len(rows), NAME, name))
        if shared_code == UNKNOWN:
            misses.append(Miss(len(rows), SHARED, attributes))
        rows.append(_ROW.pack(high, low, span_id, parent, start, finish, name_code, shared_code))
    return b"".join(rows), misses, others


class ChunkBuilder:
    """Spans of several messages, until there are enough of them for a chunk."""

    def __init__(self, into: Builder, faults: ReadFaults) -> None:
        self._into = into
        self._faults = faults
        self._attribute_cache = AttributeCache(into, faults, _attributes)
        self._scanned = ScannedRows(into, self._attribute_cache, _text)
        self._scan_spans = scan_spans if COMPILED is None else COMPILED.scan_spans

    def add(self, message: bytes) -> None:
        """Take the spans of a message; one that can't be decoded is counted."""
        try:
            request = decode_request(message)
        except UNREADABLE:
            self._faults.invalid_lines += 1
            return
        for resource in request.resource_spans:
            origin = self._attribute_cache.origin(resource.resource, _resource)
            for scope in (*resource.scope_spans, *resource.library_spans):
                self._add_spans(tuple(scope.spans), origin)

    def flush(self) -> None:
        """Make a chunk of the spans that are left."""
        self._scanned.flush()

    def _add_spans(self, spans: tuple[bytes, ...], origin: int) -> None:
        names, shared = self._scanned.names, self._attribute_cache.recent
        rows, misses, others = self._scan_spans(spans, names, shared)
        self._scanned.add(rows, misses, [(origin, len(spans) - len(others))])
        for number in others:
            self._add_unusual(spans[number], np.array([origin], np.int32))

    def _add_unusual(self, span: bytes, origin: Codes) -> None:
        try:
            fields = decode_span(span)
        except UNREADABLE:
            self._faults.invalid_lines += 1
            return
        shared, own_attributes = self._attribute_cache.codes_of([span])
        late = max(fields.start, fields.end) > _LATEST
        self._into.add(
            Chunk(
                self._into.trace_codes([_sized(fields.trace_id, _TRACE_BYTES).hex()]),
                _id_number(b"" if late else fields.span_id),
                _id_number(fields.parent_span_id),
                np.array([0 if late else fields.start], np.int64),
                np.array([0 if late else fields.end], np.int64),
                self._into.name_codes([_text(fields.name)]),
                origin,
                shared,
                own_attributes,
            )
        )


def _sized(identity: bytes, size: int) -> bytes:
    """An id of the right length; zeros, which are no id, for any other."""
    return identity if len(identity) == size else bytes(size)


def _id_number(identity: bytes) -> Ids:
    return np.frombuffer(_sized(identity, _SPAN_BYTES), ">u8").astype(np.uint64)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _attributes(span: bytes) -> DecodedAttributes:
    try:
        fields = decode_span(span)
    except UNREADABLE:
        return None
    for link in fields.links:
        if plain(link.attributes).get(LINK) == "parent":
            return plain(fields.attributes), (link.trace_id.hex(), link.span_id.hex())
    return plain(fields.attributes), None


def _resource(raw: bytes) -> dict[str, Any]:
    """Attributes of a resource; none if it is invalid."""
    try:
        return plain(decode_resource(raw).attributes)
    except UNREADABLE:
        return {}
