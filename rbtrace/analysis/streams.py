"""Byte streams whose head can be looked at before they are read, decompressed where need be."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, Final, cast

from rbtrace.analysis.decompression import DAMAGED, READ_BYTES, Content, decompressed

__all__ = ["BUFFER_BYTES", "DAMAGED", "HEAD_BYTES", "with_head"]

HEAD_BYTES: Final = 1 << 16
BUFFER_BYTES: Final = 1 << 20


def with_head(raw: BinaryIO) -> io.BufferedReader:
    """A buffered, decompressed stream whose first `peek` gives as much of the head as there is.

    Raises:
        OSError: the stream can't be read.
        EOFError: it is compressed and cut off within its head.
        zlib.error, zstandard.ZstdError: it is compressed and broken within its head.
        InputError: it is a decompression bomb.
    """
    stream = _from_head(raw)
    content = decompressed(stream.peek(HEAD_BYTES), lambda: _some(stream, READ_BYTES))
    if content is None:
        return stream
    plain = cast("BinaryIO", _Decompressed(content, stream))
    return _buffered(_Rejoined(_head(plain), plain))


def _from_head(raw: BinaryIO) -> io.BufferedReader:
    """The stream itself, where it has its head in its buffer; a pipe gives it piece by piece."""
    if isinstance(raw, io.BufferedReader) and len(raw.peek(HEAD_BYTES)) >= HEAD_BYTES:
        return raw
    return _buffered(_Rejoined(_head(raw), raw))


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (more := _some(stream, HEAD_BYTES - len(head))):
        head += more
    return head


def _some(stream: BinaryIO, most: int) -> bytes:
    """What one read of the system gives, so that Ctrl-C is looked for between any two.

    A buffered stream's `read` goes on until it has all, deaf to signals that came in between.
    """
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(most)


def _buffered(raw: io.RawIOBase) -> io.BufferedReader:
    return io.BufferedReader(raw, buffer_size=BUFFER_BYTES)


class _Rejoined(io.RawIOBase):
    """A stream whose head has been read, from its start again: pipes can't seek."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._head[: len(view)] if self._head else _some(self._rest, len(view))
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._rest.close()
        super().close()


class _Decompressed(io.RawIOBase):
    """The content of a compressed stream. It gives all that comes before a fault."""

    def __init__(self, content: Content, compressed: BinaryIO) -> None:
        self._content = content
        self._compressed = compressed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        filled = 0
        try:
            while filled < len(view) and (data := self._content(len(view) - filled)):
                view[filled : filled + len(data)] = data
                filled += len(data)
        except DAMAGED:
            if not filled:
                raise
        return filled

    def close(self) -> None:
        self._compressed.close()
        super().close()
