"""OTLP protobuf: requests with their lengths before them, or one alone.

Almost every span takes the fast way: its ids, name and times stand where every encoder puts them,
and what follows them has been seen in another span. All others are decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from typing import Any, Final

import numpy as np

from rbtrace import conventions as names
from rbtrace.analysis.arrays import Ids
from rbtrace.analysis.columns import Builder, Chunk
from rbtrace.analysis.readers import protobuf_wire as wire
from rbtrace.analysis.readers.attributes import Understanding, Understood
from rbtrace.analysis.readers.framing import Cut, framing
from rbtrace.analysis.readers.interface import Faults

_CHUNK_SPANS: Final = 1 << 10
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
_NO_ID: Final = bytes(_SPAN_BYTES)
_START: Final = 0x39
"""Tag of the field `start_time_unix_nano`."""
_END: Final = 0x41
"""Tag of the field `end_time_unix_nano`."""
_TIMES: Final = np.dtype([("start_tag", "u1"), ("start", "<u8"), ("end_tag", "u1"), ("end", "<u8")])
_TIMES_BYTES: Final = _TIMES.itemsize
_LATEST: Final = 2**63 - 1


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is OTLP protobuf."""
    return framing(head) is not None


def read(
    stream: BufferedReader, into: Builder, faults: Faults, seen: Callable[[int], None]
) -> None:
    """Read all messages; see `rbtrace.analysis.readers.interface.ReadInto`.

    Raises:
        InputError: a message is longer than any recorder writes.
    """
    gathered = _Gathered(into, faults)
    messages = framing(stream.peek())
    assert messages is not None, "recognised before"
    try:
        for message in messages(stream):
            seen(len(message))
            try:
                request = wire.decode_request(message)
            except wire.UNREADABLE:
                faults.invalid_lines += 1
                continue
            gathered.add(request)
    except Cut:
        faults.truncated_lines += 1
    finally:  # a damaged stream ends in an exception
        gathered.flush()


class _Gathered:
    """Spans of several messages, until there are enough of them for a chunk."""

    def __init__(self, into: Builder, faults: Faults) -> None:
        self._into = into
        self._faults = faults
        self._understanding = Understanding(into, faults, _attributes)
        self._restart()

    def _restart(self) -> None:
        self._traces: list[bytes] = []
        self._ids: list[bytes] = []
        self._parents: list[bytes] = []
        self._names: list[bytes] = []
        self._times: list[bytes] = []
        self._tails: list[bytes] = []
        self._origins: list[int] = []
        self._counts: list[int] = []

    def add(self, request: Any) -> None:
        for resource in request.resource_spans:
            origin = self._understanding.origin(resource.resource, _resource)
            for scope in (*resource.scope_spans, *resource.library_spans):
                before = len(self._ids)
                for span in scope.spans:
                    self._add_span(span)
                self._origins.append(origin)
                self._counts.append(len(self._ids) - before)
        if len(self._ids) >= _CHUNK_SPANS:
            self.flush()

    def _add_span(self, span: bytes) -> None:
        if span[:2] != b"\n\x10" or span[18:20] != b"\x12\x08":
            self._add_unusual(span)
            return
        parent, at = (span[30:38], 38) if span[28:30] == b'"\x08' else (_NO_ID, 28)
        end = at + 2 + span[at + 1] if len(span) > at + 1 else 0
        times = span[end + 2 : end + 20]
        if (
            span[at : at + 1] != b"*"
            or end > at + 2 + 0x7F
            or span[end : end + 1] != b"0"
            or len(times) < _TIMES_BYTES
            or times[0] != _START
            or times[9] != _END
        ):
            self._add_unusual(span)
            return
        self._traces.append(span[2:18])
        self._ids.append(span[20:28])
        self._parents.append(parent)
        self._names.append(span[at + 2 : end])
        self._times.append(times)
        self._tails.append(span[end + 20 :])

    def _add_unusual(self, span: bytes) -> None:
        try:
            found = wire.decode_span(span)
        except wire.UNREADABLE:
            self._faults.invalid_lines += 1
            return
        self._traces.append(_sized(found.trace_id, _TRACE_BYTES))
        self._ids.append(_sized(found.span_id, _SPAN_BYTES))
        self._parents.append(_sized(found.parent_span_id, _SPAN_BYTES))
        self._names.append(found.name)
        self._times.append(
            bytes((_START,)) + found.start.to_bytes(8, "little")
            + bytes((_END,)) + found.end.to_bytes(8, "little")
        )  # fmt: skip
        self._tails.append(span)

    def flush(self) -> None:
        """Make a chunk of what was gathered."""
        if not self._ids:
            return
        into = self._into
        facts, extras = self._understanding.facts(self._tails)
        times = np.frombuffer(b"".join(self._times), _TIMES)
        span_id = _numbers(self._ids)
        late = np.maximum(times["start"], times["end"]) > _LATEST
        span_id[late] = 0  # no time is that late: the span is invalid
        into.add(
            Chunk(
                into.trace_codes([trace.hex() for trace in self._traces]),
                span_id,
                _numbers(self._parents),
                times["start"].astype(np.int64),
                times["end"].astype(np.int64),
                into.name_codes([name.decode("utf-8", "replace") for name in self._names]),
                np.repeat(np.array(self._origins, np.int32), self._counts),
                facts,
                extras,
            )
        )
        self._restart()


def _sized(identity: bytes, size: int) -> bytes:
    """An id of the right length; zeros, which are no id, for any other."""
    return identity if len(identity) == size else bytes(size)


def _numbers(identities: list[bytes]) -> Ids:
    return np.frombuffer(b"".join(identities), ">u8").astype(np.uint64)


def _attributes(span: bytes) -> Understood:
    try:
        found = wire.decode_span(span)
    except wire.UNREADABLE:
        return None
    for link in found.links:
        if wire.plain(link.attributes).get(names.LINK) == "parent":
            return wire.plain(found.attributes), (link.trace_id.hex(), link.span_id.hex())
    return wire.plain(found.attributes), None


def _resource(raw: bytes) -> dict[str, Any]:
    """Attributes of a resource; none where it makes no sense."""
    try:
        return wire.plain(wire.decode_resource(raw).attributes)
    except wire.UNREADABLE:
        return {}
