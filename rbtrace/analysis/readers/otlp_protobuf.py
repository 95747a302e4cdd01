"""OTLP protobuf: requests with their lengths before them, or one alone.

Protobuf messages do not say where one ends and the next begins. Three framings are in use: before
each message its length as a varint, as protobuf's own tools write it; its length in four bytes,
big-endian, as the collector's file exporter writes it; and a single message without a length. The
last is read part by part, so that it may be of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import Final

from rbtrace.analysis.columns import Builder
from rbtrace.analysis.sources import ReadFaults
from rbtrace.errors import InputError

LONGEST_MESSAGE: Final = 1 << 28
_RESOURCE_SPANS: Final = 0x0A
"""Tag of the only field of a request: `resource_spans`, length-delimited."""
_FIRST_TAGS: Final = frozenset({0x0A, 0x12, 0x1A})
"""Tags that may come first in it: of the resource, the spans of a scope, the schema."""
_LENGTH_BYTES: Final = 4
_LONGEST_VARINT: Final = 10


class CutMessage(Exception):  # noqa: N818 - it is no error of the program
    """The stream ends within a message."""


def message_framing(head: bytes) -> Callable[[BufferedReader], Iterator[bytes]] | None:
    """The function that splits a stream with this head into messages; None if it has none."""
    if _begins_message(head, 0, None):  # as a length, its tag would be absurd
        return _parts
    if _begins_message(head, _LENGTH_BYTES, int.from_bytes(head[:_LENGTH_BYTES])):
        return _big_endian
    length, at = _varint_in(head, 0)
    return _delimited if _begins_message(head, at, length) else None


def _begins_message(head: bytes, at: int, size: int | None) -> bool:
    """Whether a request of this size may begin at a position."""
    if len(head) <= at + 2 or head[at] != _RESOURCE_SPANS:
        return False
    length, inner = _varint_in(head, at + 1)
    if not length:
        return False
    if size is not None and not inner - at + length <= size <= LONGEST_MESSAGE:
        return False
    return inner < len(head) and head[inner] in _FIRST_TAGS


def _varint_in(head: bytes, at: int) -> tuple[int, int]:
    """The varint at a position and the position after it; 0 if it is incomplete."""
    number = 0
    for index, byte in enumerate(head[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, at + index + 1
    return 0, at


def _big_endian(stream: BufferedReader) -> Iterator[bytes]:
    while length := stream.read(_LENGTH_BYTES):
        if len(length) < _LENGTH_BYTES:
            raise CutMessage
        yield _message(stream, int.from_bytes(length))


def _delimited(stream: BufferedReader) -> Iterator[bytes]:
    while (length := _varint(stream)) is not None:
        yield _message(stream, length)


def _parts(stream: BufferedReader) -> Iterator[bytes]:
    """Each part with its tag is a request of its own; anything else ends the reading."""
    while tag := stream.read(1):
        length = _varint(stream)
        if tag[0] != _RESOURCE_SPANS or length is None:
            raise CutMessage
        yield tag + as_varint(length) + _message(stream, length)


def _message(stream: BufferedReader, length: int) -> bytes:
    if length > LONGEST_MESSAGE:
        raise InputError(
            f"a message is longer than {LONGEST_MESSAGE >> 20} MiB: not a trace file, or a "
            "damaged one"
        )
    message = stream.read(length)
    if len(message) < length:
        raise CutMessage
    return message


def _varint(stream: BufferedReader) -> int | None:
    """The next number, None at the end of the stream."""
    number = 0
    for index in range(_LONGEST_VARINT):
        byte = stream.read(1)
        if not byte:
            if index:
                raise CutMessage
            return None
        number |= (byte[0] & 0x7F) << (7 * index)
        if byte[0] < 0x80:
            return number
    raise CutMessage


def as_varint(number: int) -> bytes:
    """A number (≥ 0) as protobuf writes it."""
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is OTLP protobuf."""
    return message_framing(head) is not None


def read(
    stream: BufferedReader, into: Builder, faults: ReadFaults, on_bytes: Callable[[int], None]
) -> None:
    """Read all messages; see `rbtrace.analysis.loading.ReadInto`.

    Raises:
        InputError: a message is longer than any recorder writes.
    """
    from rbtrace.analysis.readers.protobuf_spans import (  # noqa: PLC0415 - slow to import
        ChunkBuilder,
    )

    chunks = ChunkBuilder(into, faults)
    messages = message_framing(stream.peek())
    assert messages is not None, "recognised before"
    try:
        for message in messages(stream):
            on_bytes(len(message))
            chunks.add(message)
    except CutMessage:
        faults.truncated_lines += 1
    finally:  # a damaged stream ends in an exception
        chunks.flush()
