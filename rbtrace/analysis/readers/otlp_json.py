"""OTLP JSON lines: one `ExportTraceServiceRequest` per line, as the collector writes files.

Almost every line takes the fast way: one typed decode, attributes left as raw bytes, and these
looked up in a cache, because the spans of an operation share them. A line that does not fit the
types takes the lenient way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import Final

from rbtrace import conventions as names
from rbtrace.analysis.columns import Builder, Chunk
from rbtrace.analysis.facts import Extra, Facts, extra_of, facts_of, origin_of
from rbtrace.analysis.readers import otlp_wire as wire
from rbtrace.analysis.readers.interface import Faults
from rbtrace.analysis.readers.otlp_lenient import lenient_request
from rbtrace.errors import InputError

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_LINE: Final = 1 << 28
_CHUNK_SPANS: Final = 1 << 14
_CACHED: Final = 1 << 12
_UNKNOWN: Final = -1
_MARKS: Final = (b"rbtrace.", b"aggregation.", b"rustybt.", b"thread.id")
"""Attributes in which none of these stands say nothing to the analyses."""
_LINK_MARK: Final = names.LINK.encode()


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is OTLP JSON."""
    start = head.removeprefix(_BOM).lstrip()
    return start.startswith(b"{") and (b"resourceSpans" in head or b"resource_spans" in head)


def read(
    stream: BufferedReader, into: Builder, faults: Faults, seen: Callable[[int], None]
) -> None:
    """Read all lines; see `rbtrace.analysis.readers.interface.ReadInto`.

    Raises:
        InputError: a line is longer than any recorder writes.
    """
    gathered = _Gathered(into, faults)
    try:
        for line in _lines(stream):
            seen(len(line))
            request = _request(line, faults)
            if request is not None:
                gathered.add(request)
    finally:  # a damaged stream ends in an exception
        gathered.flush()


def _lines(stream: BufferedReader) -> Iterator[bytes]:
    first = True
    while line := stream.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise InputError(f"a line is longer than {_LONGEST_LINE >> 20} MiB: not a trace file")
        yield line.removeprefix(_BOM) if first else line
        first = False


def _request(line: bytes, faults: Faults) -> wire.Request | None:
    try:
        request = wire.decode_request(line)
    except wire.UNREADABLE:
        request = None
    if request is not None and _has_spans(request):
        return request
    if not line.strip():
        return None
    found = lenient_request(line)
    if found is None:
        if line.endswith(b"\n"):
            faults.invalid_lines += 1
        else:
            faults.truncated_lines += 1
        return None
    request, bad = found
    faults.invalid_lines += bad > 0
    return request


def _has_spans(request: wire.Request) -> bool:
    """Whether the typed decoder understood the line: it skips keys it does not know."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            if scope.spans:
                return bool(scope.spans[0].span_id)
    return False


class _Gathered:
    """Spans of several lines, until there are enough of them for a chunk."""

    def __init__(self, into: Builder, faults: Faults) -> None:
        self._into = into
        self._faults = faults
        self._spans: list[wire.Span] = []
        self._origins: list[int] = []
        self._origin_cache: dict[bytes, int] = {}
        self._facts_cache: dict[bytes, int] = {}
        self._plain = into.facts[Facts()]

    def add(self, request: wire.Request) -> None:
        for resource in request.resource_spans:
            origin = self._origin(bytes(resource.resource))
            for scope in resource.scope_spans:
                self._spans += scope.spans
                self._origins += [origin] * len(scope.spans)
        if len(self._spans) >= _CHUNK_SPANS:
            self.flush()

    def flush(self) -> None:
        spans, origins = self._spans, self._origins
        attributes = [bytes(span.attributes) for span in spans]
        facts = [self._facts_cache.get(raw, _UNKNOWN) for raw in attributes]
        extras: dict[int, Extra] = {}
        for row in [row for row, code in enumerate(facts) if code == _UNKNOWN]:
            facts[row], extra = self._understood(attributes[row])
            if extra is not None:
                extras[row] = extra
        for row in [row for row, span in enumerate(spans) if span.links is not wire.ABSENT]:
            link = self._parent_link(bytes(spans[row].links))
            if link is not None:
                extras[row] = extras.get(row, Extra())._replace(parent_link=link)
        self._into.add(
            Chunk(
                [span.trace_id for span in spans],
                [span.span_id for span in spans],
                [span.parent_span_id for span in spans],
                [span.name for span in spans],
                [span.start_time_unix_nano for span in spans],
                [span.end_time_unix_nano for span in spans],
                origins,
                facts,
                extras,
            )
        )
        self._spans, self._origins = [], []

    def _origin(self, raw: bytes) -> int:
        code = self._origin_cache.get(raw)
        if code is None:
            try:
                attributes = wire.plain(wire.decode_attributed(raw).attributes) if raw else {}
            except wire.UNREADABLE:
                attributes = {}
            code = self._origin_cache[raw] = self._into.origins[origin_of(attributes)]
        return code

    def _understood(self, raw: bytes) -> tuple[int, Extra | None]:
        if (cached := self._facts_cache.get(raw)) is not None:
            return cached, None  # it came more than once since the last look
        code, extra = self._plain, None
        if any(mark in raw for mark in _MARKS):
            try:
                attributes = wire.plain(wire.decode_attributes(raw))
            except wire.UNREADABLE:
                self._faults.invalid_lines += 1
                attributes = {}
            code = self._into.facts[facts_of(attributes)]
            extra = extra_of(attributes)
        if extra is None:
            if len(self._facts_cache) >= _CACHED:
                self._facts_cache.clear()
            self._facts_cache[raw] = code
        return code, extra

    def _parent_link(self, raw: bytes) -> tuple[str, str] | None:
        if _LINK_MARK not in raw:
            return None
        try:
            links = wire.decode_links(raw)
        except wire.UNREADABLE:
            self._faults.invalid_lines += 1
            return None
        for link in links:
            if wire.plain(link.attributes).get(names.LINK) == "parent":
                return link.trace_id, link.span_id
        return None
