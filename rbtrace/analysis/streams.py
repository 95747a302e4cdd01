"""Byte streams whose head can be looked at before they are read, decompressed where need be."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, cast

HEAD_BYTES: Final = 1 << 16
DAMAGED: Final = (EOFError, zlib.error)
"""What reading a compressed stream raises where it is cut off or broken."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_READ_BYTES: Final = 1 << 17


def with_head(raw: BinaryIO) -> io.BufferedReader:
    """A buffered, decompressed stream whose first `peek` gives as much of the head as there is.

    Raises:
        OSError: the stream can't be read.
        EOFError: it is compressed and cut off within its head.
        zlib.error: it is compressed and broken within its head.
    """
    stream = _buffered(_Rejoined(_head(raw), raw))
    if not stream.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        return stream
    plain = cast("BinaryIO", _Gunzipped(stream))
    return _buffered(_Rejoined(_head(plain), plain))


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
    return io.BufferedReader(raw, buffer_size=1 << 20)


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


class _Gunzipped(io.RawIOBase):
    """Gzip, member after member. Unlike `gzip`, it gives all that comes before a fault."""

    def __init__(self, compressed: BinaryIO) -> None:
        self._compressed = compressed
        self._member = zlib.decompressobj(_GZIP_FORMAT)
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        filled = 0
        try:
            while filled < len(view) and (data := self._inflated(len(view) - filled)):
                view[filled : filled + len(data)] = data
                filled += len(data)
        except DAMAGED:
            if not filled:
                raise
        return filled

    def _inflated(self, most: int) -> bytes:
        """Some of the content, nothing at the end."""
        while True:
            if self._member.eof:
                following = self._member.unused_data or _some(self._compressed, _READ_BYTES)
                if not following.strip(b"\0"):
                    return b""
                self._member, self._waiting = zlib.decompressobj(_GZIP_FORMAT), following
            elif not self._waiting:
                self._waiting = _some(self._compressed, _READ_BYTES)
                if not self._waiting:
                    raise EOFError("cut off")
            data = self._member.decompress(self._waiting, most)
            self._waiting = self._member.unconsumed_tail
            if data:
                return data

    def close(self) -> None:
        self._compressed.close()
        super().close()
