"""Byte streams whose head can be looked at before they are read, decompressed if necessary.

Compression may be gzip, zstd, or zstd as the collector writes it. Data is decompressed in pieces of
bounded size: no size that the compressed data states is trusted, and a decompression bomb ends in
an error.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Final, cast

import zstandard

from rbtrace.errors import InputError

DAMAGED: Final = (EOFError, zlib.error, zstandard.ZstdError)
"""What reading a compressed stream raises if it is cut off or damaged."""
READ_BYTES: Final = 1 << 14
"""Compressed data read at a time, bytes: `_BombGuard` counts it before it is decompressed."""

Content = Callable[[int], bytes]
"""Gives at most as many bytes of the content as asked for, none at the end."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE_MAGIC: Final = b"\x2a\x4d\x18"
_LENGTH_BYTES: Final = 4
_WINDOW_BYTES: Final = 1 << 27
"""The largest window that zstd itself decompresses without being asked to."""
_PIECE_BYTES: Final = 1 << 11
"""Compressed data given to zstd at a time: a block of four bytes may stand for 128 KiB."""
_LONGEST_FRAME: Final = 1 << 28
_SUSPICIOUS_BYTES: Final = 1 << 22
"""Output below which a ratio does not matter, bytes."""
_SUSPICIOUS_RATIO: Final = 250
"""Traces are compressed ten- to fiftyfold; bombs, a thousandfold and more."""


def decompressed(head: bytes, read: Callable[[], bytes]) -> Content | None:
    """The content of a stream that begins like this; None if it is not compressed.

    Args:
        head: its first bytes.
        read: gives some more of the stream from its start, nothing at its end.
    """
    if head.startswith(_GZIP_MAGIC):
        return _BombGuard(read, _Gunzip).content
    if head.startswith(_ZSTD_MAGIC) or head[1:4] == _SKIPPABLE_MAGIC:
        return _BombGuard(read, _Unzstd).content
    if head[_LENGTH_BYTES:].startswith(_ZSTD_MAGIC):
        return _BombGuard(read, _UnzstdFrames).content
    return None


class _BombGuard:
    """Stops decompression when its output is out of proportion to its input."""

    def __init__(
        self, read: Callable[[], bytes], kind: Callable[[Callable[[], bytes]], Any]
    ) -> None:
        self._read = read
        self._compressed_bytes = 0
        self._plain_bytes = 0
        self._content: Content = kind(self._read_compressed).content

    def _read_compressed(self) -> bytes:
        data = self._read()
        self._compressed_bytes += len(data)
        return data

    def content(self, limit: int) -> bytes:
        """See `Content`."""
        data = self._content(limit)
        self._plain_bytes += len(data)
        if self._plain_bytes > max(_SUSPICIOUS_BYTES, _SUSPICIOUS_RATIO * self._compressed_bytes):
            raise InputError(
                f"compressed data expands more than {_SUSPICIOUS_RATIO}-fold: this is a "
                "decompression bomb, not a trace"
            )
        return data


class _Gunzip:
    """Gzip, member after member."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._member = zlib.decompressobj(_GZIP_FORMAT)
        self._waiting = b""

    def content(self, limit: int) -> bytes:
        while True:
            if self._member.eof:
                following = self._member.unused_data or self._read()
                if not following.strip(b"\0"):
                    return b""
                self._member, self._waiting = zlib.decompressobj(_GZIP_FORMAT), following
            elif not self._waiting:
                self._waiting = self._read()
                if not self._waiting:
                    raise EOFError("cut off")
            data = self._member.decompress(self._waiting, limit)
            self._waiting = self._member.unconsumed_tail
            if data:
                return data


class _Unzstd:
    """Zstandard, frame after frame."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._frame = _new_frame()
        self._begun = False
        self._compressed = b""
        self._at = 0
        self._plain = memoryview(b"")

    def content(self, limit: int) -> bytes:
        while not self._plain:
            if self._at >= len(self._compressed):
                self._compressed, self._at = self._read(), 0
                if not self._compressed:
                    if self._begun:
                        raise EOFError("cut off")
                    return b""
            piece = self._compressed[self._at : self._at + _PIECE_BYTES]
            self._at += len(piece)
            self._begun = True
            self._plain = memoryview(self._frame.decompress(piece))
            if self._frame.eof:
                self._at -= len(self._frame.unused_data)
                self._frame, self._begun = _new_frame(), False
        data, self._plain = self._plain[:limit], self._plain[limit:]
        return bytes(data)


class _UnzstdFrames:
    """The collector's file exporter: before each frame its length, in each frame one message.

    The messages have no delimiters there; they get those of uncompressed files: JSON a line end,
    protobuf its length before it.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._compressed = bytearray()
        self._plain = memoryview(b"")

    def content(self, limit: int) -> bytes:
        while not self._plain:
            length = self._take(_LENGTH_BYTES)
            if not length:
                return b""
            frame = self._take(int.from_bytes(length))
            if len(length) < _LENGTH_BYTES or not frame:
                raise EOFError("cut off")
            self._plain = memoryview(_unframed(frame))
        data, self._plain = self._plain[:limit], self._plain[limit:]
        return bytes(data)

    def _take(self, size: int) -> bytes:
        """Exactly `size` bytes; none at the end of the stream."""
        if size > _LONGEST_FRAME:
            raise EOFError("a frame of absurd length")
        while len(self._compressed) < size and (data := self._read()):
            self._compressed += data
        if self._compressed and len(self._compressed) < size:
            raise EOFError("cut off")
        taken = bytes(self._compressed[:size])
        del self._compressed[:size]
        return taken


def _new_frame() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()


def _unframed(frame: bytes) -> bytes:
    """The message in a frame, delimited as in uncompressed files."""
    rest = [frame]
    unzstd = _Unzstd(lambda: rest.pop() if rest else b"")
    parts, size = [], 0
    while part := unzstd.content(READ_BYTES):
        parts.append(part)
        size += len(part)
        if size > _LONGEST_FRAME:
            raise InputError(
                f"a message is longer than {_LONGEST_FRAME >> 20} MiB when it is decompressed: a "
                "decompression bomb, not a trace"
            )
    message = b"".join(parts)
    if message.lstrip().startswith((b"{", b"[")):
        return message + b"\n"
    return size.to_bytes(_LENGTH_BYTES) + message


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
    stream = _with_buffered_head(raw)
    content = decompressed(stream.peek(HEAD_BYTES), lambda: _read_once(stream, READ_BYTES))
    if content is None:
        return stream
    plain = cast("BinaryIO", _Decompressed(content, stream))
    return _buffered(_FromHead(_head(plain), plain))


def _with_buffered_head(raw: BinaryIO) -> io.BufferedReader:
    """The stream itself, if its buffer has its head; a pipe gives it piece by piece."""
    if isinstance(raw, io.BufferedReader) and len(raw.peek(HEAD_BYTES)) >= HEAD_BYTES:
        return raw
    return _buffered(_FromHead(_head(raw), raw))


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (more := _read_once(stream, HEAD_BYTES - len(head))):
        head += more
    return head


def _read_once(stream: BinaryIO, limit: int) -> bytes:
    """The bytes of one system read, so that Ctrl-C is noticed between any two.

    A buffered stream's `read` goes on until it has all, deaf to signals that came in between.
    """
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(limit)


def _buffered(raw: io.RawIOBase) -> io.BufferedReader:
    return io.BufferedReader(raw, buffer_size=BUFFER_BYTES)


class _FromHead(io.RawIOBase):
    """A stream whose head has been read, from its start again: pipes can't seek."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._head[: len(view)] if self._head else _read_once(self._rest, len(view))
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
