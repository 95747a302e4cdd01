"""Spans of OTLP protobuf messages as columns.

Almost every span takes the fast way: its ids, name and times stand where every encoder puts them,
and what follows them has been seen in another span. All others are decoded. Where there is the
compiled scanner, it does what the fast way does.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from rbtrace import conventions as names
from rbtrace.analysis import columns
from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask
from rbtrace.analysis.columns import Builder, Chunk
from rbtrace.analysis.readers import protobuf_messages as messages
from rbtrace.analysis.readers.fast_path import (
    COMPILED,
    AttributeCache,
    CompiledScanner,
    DecodedAttributes,
    ScannedRows,
)
from rbtrace.analysis.sources import ReadFaults

_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
# Tags of the fields of a span; of those with a fixed length, that too. Both little-endian.
_TRACE: Final = 0x100A
_ID: Final = 0x0812
_PARENT: Final = 0x0822
_NAME: Final = 0x2A
_KIND: Final = 0x30
_START: Final = 0x39
_END: Final = 0x41
_ID_AT: Final = 18
_PARENT_AT: Final = 28
_AFTER_TIMES: Final = 20
"""From the end of the name over kind and times."""
_LONGEST_HEAD: Final = 512
_LATEST: Final = 2**63 - 1


class ChunkBuilder:
    """Spans of several messages, until there are enough of them for a chunk."""

    def __init__(self, into: Builder, faults: ReadFaults) -> None:
        self._into = into
        self._faults = faults
        self._attribute_cache = AttributeCache(into, faults, _attributes)
        self._scanned = ScannedRows(into, self._attribute_cache, _text)
        self._names = self._scanned.names
        self._spans: list[bytes] = []
        self._origins: list[int] = []
        self._counts: list[int] = []

    def add(self, message: bytes) -> None:
        """Take the spans of a message; one that can't be decoded is counted."""
        try:
            request = messages.decode_request(message)
        except messages.UNREADABLE:
            self._faults.invalid_lines += 1
            return
        for resource in request.resource_spans:
            origin = self._attribute_cache.origin(resource.resource, _resource)
            for scope in (*resource.scope_spans, *resource.library_spans):
                if COMPILED is not None:
                    self._scan(COMPILED, tuple(scope.spans), origin)
                    continue
                self._spans += scope.spans
                self._origins.append(origin)
                self._counts.append(len(scope.spans))
        if len(self._spans) >= columns.CHUNK_SPANS:
            self.flush()

    def _scan(self, compiled: CompiledScanner, spans: tuple[bytes, ...], origin: int) -> None:
        names, shared = self._scanned.names, self._attribute_cache.recent
        rows, misses, others = compiled.scan_spans(spans, names, shared)
        self._scanned.add(rows, misses, [(origin, len(spans) - len(others))])
        for number in others:
            self._add_unusual(spans[number], np.array([origin], np.int32))

    def flush(self) -> None:
        """Make chunks of what was gathered: of the usual spans, and of the others."""
        self._scanned.flush()
        origin = np.repeat(np.array(self._origins, np.int32), self._counts)
        layout = _Layout.of(self._spans)
        usual = np.flatnonzero(layout.usual)
        if usual.size:
            self._into.add(self._usual(layout, usual, origin[usual]))
        for row in np.flatnonzero(~layout.usual).tolist():
            self._add_unusual(self._spans[row], origin[row : row + 1])
        self._spans, self._origins, self._counts = [], [], []

    def _usual(self, layout: _Layout, rows: Ints, origin: Codes) -> Chunk:
        begin, name, end = layout.begin[rows], layout.name[rows], layout.name_end[rows]
        big, little = layout.words(">u8"), layout.words("<u8")
        parent = np.where(layout.has_parent[rows], big[begin + _PARENT_AT + 2], 0)
        start, finish = little[end + 3], little[end + 12]
        span_id = big[begin + _ID_AT + 2].astype(np.uint64)
        span_id[np.maximum(start, finish) > _LATEST] = 0  # no time is that late: it is invalid
        joined = layout.joined
        stops = layout.stop[rows].tolist()
        tails = [joined[at + _AFTER_TIMES : to] for at, to in zip(end.tolist(), stops, strict=True)]
        shared, own_attributes = self._attribute_cache.codes_of(tails)
        texts = [joined[at:to] for at, to in zip(name.tolist(), end.tolist(), strict=True)]
        return Chunk(
            self._traces(layout, begin),
            span_id,
            parent.astype(np.uint64),
            start.astype(np.int64),
            finish.astype(np.int64),
            np.fromiter(map(self._name, texts), np.int32, len(texts)),
            origin,
            shared,
            own_attributes,
        )

    def _traces(self, layout: _Layout, begin: Ints) -> Codes:
        words = layout.words("<u8")
        high, low = words[begin + 2], words[begin + 10]
        changes = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        first = np.flatnonzero(np.concatenate(([True], changes)))
        texts = [layout.joined[at + 2 : at + 18].hex() for at in begin[first].tolist()]
        return np.repeat(self._into.trace_codes(texts), np.diff(np.append(first, begin.size)))

    def _name(self, raw: bytes) -> int:
        code = self._names.get(raw)
        if code is None:
            code = self._names[raw] = self._into.names[_text(raw)]
        return code

    def _add_unusual(self, span: bytes, origin: Codes) -> None:
        try:
            fields = messages.decode_span(span)
        except messages.UNREADABLE:
            self._faults.invalid_lines += 1
            return
        shared, own_attributes = self._attribute_cache.codes_of([span])
        late = max(fields.start, fields.end) > _LATEST
        self._into.add(
            Chunk(
                self._into.trace_codes([_sized(fields.trace_id, _TRACE_BYTES).hex()]),
                _number(b"" if late else fields.span_id),
                _number(fields.parent_span_id),
                np.array([0 if late else fields.start], np.int64),
                np.array([0 if late else fields.end], np.int64),
                np.array([self._name(fields.name)], np.int32),
                origin,
                shared,
                own_attributes,
            )
        )


class _Layout(NamedTuple):
    """Spans side by side, and where in each its fields stand, if they are where they usually are.

    Attributes:
        joined: all spans.
        begin: where each begins; `stop` where it ends.
        name: where its name begins; `name_end` where that ends, and kind and times follow.
        has_parent: whether it has the id of a parent.
        usual: whether all of this is so.
    """

    joined: bytes
    begin: Ints
    stop: Ints
    name: Ints
    name_end: Ints
    has_parent: Mask
    usual: Mask

    @classmethod
    def of(cls, spans: list[bytes]) -> _Layout:
        """Look at the tags of all spans at once."""
        joined = b"".join(spans) + bytes(_LONGEST_HEAD)  # what is looked up past the end is there
        stop = np.cumsum(np.fromiter(map(len, spans), np.int64, len(spans)))
        begin = np.concatenate((np.zeros(1, np.int64), stop[:-1])) if spans else stop
        tags: Any = np.ndarray((len(joined) - 1,), "<u2", joined, strides=(1,))
        octets = np.frombuffer(joined, np.uint8)
        has_parent = tags[begin + _PARENT_AT] == _PARENT
        at = begin + np.where(has_parent, _PARENT_AT + 10, _PARENT_AT)
        length = octets[at + 1]
        end = at + 2 + length
        usual = (
            (tags[begin] == _TRACE)
            & (tags[begin + _ID_AT] == _ID)
            & (octets[at] == _NAME)
            & (octets[end] == _KIND)
            & ((length | octets[end + 1]) < 0x80)
            & (octets[end + 2] == _START)
            & (octets[end + 11] == _END)
            & (end + _AFTER_TIMES <= stop)
        )
        return cls(joined, begin, stop, at + 2, end, has_parent, usual)

    def words(self, order: str) -> Any:
        """The eight bytes that begin at each position, as a number."""
        return np.ndarray((len(self.joined) - 7,), order, self.joined, strides=(1,))


def _sized(identity: bytes, size: int) -> bytes:
    """An id of the right length; zeros, which are no id, for any other."""
    return identity if len(identity) == size else bytes(size)


def _number(identity: bytes) -> Ids:
    return np.frombuffer(_sized(identity, _SPAN_BYTES), ">u8").astype(np.uint64)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _attributes(span: bytes) -> DecodedAttributes:
    try:
        fields = messages.decode_span(span)
    except messages.UNREADABLE:
        return None
    for link in fields.links:
        if messages.plain(link.attributes).get(names.LINK) == "parent":
            return messages.plain(fields.attributes), (link.trace_id.hex(), link.span_id.hex())
    return messages.plain(fields.attributes), None


def _resource(raw: bytes) -> dict[str, Any]:
    """Attributes of a resource; none where it makes no sense."""
    try:
        return messages.plain(messages.decode_resource(raw).attributes)
    except messages.UNREADABLE:
        return {}
