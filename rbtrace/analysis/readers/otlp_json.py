"""OTLP JSON lines: one `ExportTraceServiceRequest` per line, as the collector writes files.

Almost every line is decoded with types, its attributes are left as raw bytes, and these are looked
up in a cache, because the spans of an operation share them. A line that does not fit the types is
decoded leniently. Where the scanner is compiled, it reads the lines that are spelled as usual.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from typing import Final

import msgspec
import numpy as np

from rbtrace.analysis import columns
from rbtrace.analysis.attributes import OwnAttributes
from rbtrace.analysis.columns import Builder, Chunk, ids_of
from rbtrace.analysis.readers import otlp_json_messages as messages
from rbtrace.analysis.readers.documents import BOM, UNREADABLE, documents
from rbtrace.analysis.readers.fast_path import (
    COMPILED,
    AttributeCache,
    DecodedAttributes,
    ScannedRows,
)
from rbtrace.analysis.readers.otlp_json_messages import lenient_request
from rbtrace.analysis.sources import ReadFaults
from rbtrace.conventions import LINK

_START: Final = b'{"resourceSpans":'
"""Within a line: its writer was killed, and the next one appended. No JSON string contains this."""
_LINK_MARK: Final = LINK.encode()


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is OTLP JSON."""
    start = head.removeprefix(BOM).lstrip()
    return start.startswith((b"{", b"[")) and (
        b"resourceSpans" in head or b"resource_spans" in head
    )


def read(
    stream: BufferedReader, into: Builder, faults: ReadFaults, on_bytes: Callable[[int], None]
) -> None:
    """Read all lines; see `rbtrace.analysis.loading.ReadInto`.

    Raises:
        InputError: a line is longer than any recorder writes.
    """
    chunks = _ChunkBuilder(into, faults)
    try:
        for line in documents(stream):
            on_bytes(len(line))
            if not faults.cut and chunks.scan(line):
                continue
            request = _request(_joined_to_cut(line, faults), faults)
            if request is not None:
                chunks.add(request)
    finally:  # a damaged stream ends in an exception
        chunks.flush()


def _joined_to_cut(line: bytes, faults: ReadFaults) -> bytes:
    """The complete line, where this is the rest of one that was cut when its file was rotated."""
    if not faults.cut:
        return line
    joined = faults.cut + line
    try:
        msgspec.json.decode(joined, type=msgspec.Raw)
    except UNREADABLE:
        faults.nothing_follows()
        return line
    faults.cut = b""
    return joined


def _request(line: bytes, faults: ReadFaults) -> messages.Request | None:
    try:
        request = messages.decode_request(line)
    except UNREADABLE:
        request = None
    if request is not None and _has_spans(request):
        return request
    if not line.strip():
        return None
    decoded = lenient_request(line)
    if decoded is None:
        start = line.find(_START, 1)
        if start > 0:
            faults.truncated_lines += 1
            return _request(line[start:], faults)
        if line.endswith(b"\n"):
            faults.invalid_lines += 1
        else:
            faults.cut = line
        return None
    request, bad = decoded
    faults.invalid_lines += bad > 0
    return request


def _has_spans(request: messages.Request) -> bool:
    """Whether the typed decoder understood the line: it skips keys it does not know."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            if scope.spans:
                return bool(scope.spans[0].span_id)
    return False


class _ChunkBuilder:
    """Spans of several lines, until there are enough of them for a chunk.

    A chunk is small enough to be in the processor's cache still when its columns are made.
    """

    def __init__(self, into: Builder, faults: ReadFaults) -> None:
        self._into = into
        self._faults = faults
        self._spans: list[messages.Span] = []
        self._origins: list[int] = []
        self._counts: list[int] = []
        self._attribute_cache = AttributeCache(into, faults, _attributes)
        self._scanned = ScannedRows(into, self._attribute_cache, _text, self._parent_link)

    def scan(self, line: bytes) -> bool:
        """Take the spans of a line, if the scanner is compiled and reads it."""
        if COMPILED is None:
            return False
        scanned = COMPILED.scan_line(line, self._scanned.names, self._attribute_cache.recent)
        if scanned is None:
            return False
        rows, misses, resources = scanned
        origins = [(self._origin(resource), count) for resource, count in resources]
        self._scanned.add(rows, misses, origins)
        return True

    def add(self, request: messages.Request) -> None:
        for resource in request.resource_spans:
            origin = self._origin(bytes(resource.resource))
            for scope in resource.scope_spans:
                self._spans += scope.spans
                self._origins.append(origin)
                self._counts.append(len(scope.spans))
        if len(self._spans) >= columns.CHUNK_SPANS:
            self.flush()

    def _origin(self, resource: bytes) -> int:
        return self._attribute_cache.origin(resource, _resource)

    def flush(self) -> None:
        self._scanned.flush()
        spans, into = self._spans, self._into
        if not spans:
            return
        shared, own_attributes = self._attribute_cache.codes_of([span.attributes for span in spans])
        for row in [row for row, span in enumerate(spans) if span.links is not messages.ABSENT]:
            link = self._parent_link(bytes(spans[row].links))
            if link is not None:
                own_attributes[row] = own_attributes.get(row, OwnAttributes())._replace(
                    parent_link=link
                )
        into.add(
            Chunk(
                into.trace_codes([span.trace_id for span in spans]),
                ids_of([span.span_id for span in spans]),
                ids_of([span.parent_span_id for span in spans]),
                np.array([span.start_time_unix_nano for span in spans], np.int64),
                np.array([span.end_time_unix_nano for span in spans], np.int64),
                into.name_codes([span.name for span in spans]),
                np.repeat(np.array(self._origins, np.int32), self._counts),
                shared,
                own_attributes,
            )
        )
        self._spans, self._origins, self._counts = [], [], []

    def _parent_link(self, raw: bytes) -> tuple[str, str] | None:
        if _LINK_MARK not in raw:
            return None
        try:
            links = messages.decode_links(raw)
        except UNREADABLE:
            self._faults.invalid_lines += 1
            return None
        for link in links:
            if messages.plain(link.attributes).get(LINK) == "parent":
                return link.trace_id, link.span_id
        return None


def _text(raw: bytes) -> str:
    return messages.decode_text(b'"' + raw + b'"')


def _attributes(raw: bytes) -> DecodedAttributes:
    try:
        return messages.plain(messages.decode_attributes(raw)), None
    except UNREADABLE:
        return None


def _resource(raw: bytes) -> dict[str, object]:
    """Attributes of a resource; none if it is invalid."""
    try:
        return messages.plain(messages.decode_attributed(raw).attributes) if raw else {}
    except UNREADABLE:
        return {}
