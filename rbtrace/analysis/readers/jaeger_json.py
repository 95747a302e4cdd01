"""Jaeger JSON: what Jaeger's user interface saves, and its older query interface answers.

Times are in microseconds: what was recorded in nanoseconds has been rounded by Jaeger.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from rbtrace import conventions as key
from rbtrace.analysis.attributes import (
    OwnAttributes,
    origin_of,
    own_attributes_of,
    shared_attributes_of,
)
from rbtrace.analysis.columns import Builder, Chunk, ids_of
from rbtrace.analysis.readers.documents import BOM, UNREADABLE, read_document
from rbtrace.analysis.sources import ReadFaults

_NS_PER_US: Final = 1000
_LATEST_US: Final = 2**63 // _NS_PER_US - 1
_ARRAYS: Final = frozenset({key.HISTOGRAM_BOUNDS, key.HISTOGRAM_COUNTS})
"""Attributes that are arrays: Jaeger has none, and keeps them as JSON text."""


class JaegerTag(Struct, gc=False):
    """A tag, which OpenTelemetry calls an attribute."""

    key: str = ""
    value: Any = None


class JaegerReference(
    Struct, rename={"kind": "refType", "trace": "traceID", "span": "spanID"}, gc=False
):
    """A reference to a parent, or to a span that this one follows."""

    kind: str = ""
    trace: str = ""
    span: str = ""


class JaegerSpan(
    Struct,
    rename={
        "trace": "traceID",
        "span": "spanID",
        "parent": "parentSpanID",
        "name": "operationName",
        "start": "startTime",
        "process": "processID",
    },
    gc=False,
):
    """A span; times in microseconds."""

    trace: str = ""
    span: str = ""
    parent: str = ""
    name: str = ""
    start: int = 0
    duration: int = 0
    references: list[JaegerReference] | None = None
    tags: list[JaegerTag] | None = None
    process: str = ""


class JaegerProcess(Struct, rename={"service": "serviceName"}, gc=False):
    """A process, which OpenTelemetry calls a resource."""

    service: str = ""
    tags: list[JaegerTag] | None = None


class JaegerTrace(Struct, gc=False):
    """A trace; its spans refer to its processes by key."""

    spans: list[msgspec.Raw] | None = None
    processes: dict[str, JaegerProcess] | None = None


class JaegerDownload(Struct, gc=False):
    """The whole document."""

    data: list[JaegerTrace] | None = None


_decode_download: Final = msgspec.json.Decoder(JaegerDownload, strict=False).decode
_decode_traces: Final = msgspec.json.Decoder(list[JaegerTrace], strict=False).decode
_decode_trace: Final = msgspec.json.Decoder(JaegerTrace, strict=False).decode
_decode_span: Final = msgspec.json.Decoder(JaegerSpan, strict=False).decode


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is Jaeger JSON."""
    start = head.removeprefix(BOM).lstrip()
    return start.startswith((b"{", b"[")) and (
        (b'"traceID"' in head and b'"spans"' in head) or b'"operationName"' in head
    )


def read(
    stream: BufferedReader, into: Builder, faults: ReadFaults, on_bytes: Callable[[int], None]
) -> None:
    """Read the document; see `rbtrace.analysis.loading.ReadInto`.

    Raises:
        InputError: it is longer than fits in memory.
    """
    content = read_document(stream, on_bytes).removeprefix(BOM)
    try:
        if content.lstrip().startswith(b"["):
            traces = _decode_traces(content)
        else:
            traces = _decode_download(content).data or [_decode_trace(content)]
    except UNREADABLE:
        faults.truncated_lines += 1
        return
    for trace in traces:
        _add(trace, into, faults)


def _add(trace: JaegerTrace, into: Builder, faults: ReadFaults) -> None:
    origins = {
        name: into.origins[origin_of(_plain(process.tags) | {key.SERVICE_NAME: process.service})]
        for name, process in (trace.processes or {}).items()
    }
    unknown_origin = into.origins[origin_of({})]
    spans = _spans(trace, faults)
    attributes = [_plain(span.tags) for span in spans]
    own_attributes: dict[int, OwnAttributes] = {}
    parents = []
    for row, (span, plain) in enumerate(zip(spans, attributes, strict=True)):
        own = own_attributes_of(plain)
        parent = _parent(span)
        if parent.trace not in {"", span.trace}:
            link = _padded(parent.trace, 32), _padded(parent.span, 16)
            own = (own or OwnAttributes())._replace(parent_link=link)
        if own is not None:
            own_attributes[row] = own
        parents.append(_padded(parent.span, 16))
    start = np.array([span.start for span in spans], np.int64) * _NS_PER_US
    into.add(
        Chunk(
            into.trace_codes([_padded(span.trace, 32) for span in spans]),
            ids_of([_padded(span.span, 16) for span in spans]),
            ids_of(parents),
            start,
            start + np.array([span.duration for span in spans], np.int64) * _NS_PER_US,
            into.name_codes([span.name for span in spans]),
            np.array([origins.get(span.process, unknown_origin) for span in spans], np.int32),
            np.array([into.shared[shared_attributes_of(plain)] for plain in attributes], np.int32),
            own_attributes,
        )
    )


def _spans(trace: JaegerTrace, faults: ReadFaults) -> list[JaegerSpan]:
    spans = []
    for raw in trace.spans or []:
        try:
            span = _decode_span(raw)
        except UNREADABLE:
            faults.invalid_lines += 1
            continue
        if not 0 <= span.start <= span.start + abs(span.duration) <= _LATEST_US:
            faults.invalid_lines += 1
        else:
            spans.append(span)
    return spans


def _parent(span: JaegerSpan) -> JaegerReference:
    """The parent: what the span is a child of; if nothing, what it follows in its own trace."""
    references = span.references or []
    for reference in references:
        if reference.kind == "CHILD_OF":
            return reference
    for reference in references:
        if reference.trace == span.trace:
            return reference
    return JaegerReference("CHILD_OF", span.trace, span.parent)


def _padded(identity: str, digits: int) -> str:
    """An id with the leading zeros that old versions of Jaeger leave out."""
    return identity.zfill(digits) if identity else ""


def _plain(tags: list[JaegerTag] | None) -> dict[str, Any]:
    return {tag.key: _array(tag.value) if tag.key in _ARRAYS else tag.value for tag in tags or []}


def _array(value: object) -> object:
    import json  # noqa: PLC0415 - slow to import, and for this alone

    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
