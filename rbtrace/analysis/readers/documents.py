"""JSON documents in a stream: one on each line, or pretty-printed over many lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import Final

import msgspec

from rbtrace.errors import InputError

BOM: Final = b"\xef\xbb\xbf"
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a document raises if it is invalid."""
LONGEST: Final = 1 << 28
"""Bytes of the longest line or document that is read: no recorder writes as many at once."""
_READ_BYTES: Final = 1 << 20
_END_BYTES: Final = 16
_LINE_END: Final = b"\r\n"
_FEW_BLANK: Final = 64
_OPENING: Final = (b"{", b"[")
_CLOSING: Final = (b"}", b"]")
_INDENTS: Final = frozenset({b" ", b"\t"})
_WITHIN: Final = _INDENTS | {b"}", b"]", b"\r", b"\n"}


def documents(stream: BufferedReader) -> Iterator[bytes]:
    """Each document; the text may begin with a byte order mark. Blank lines are documents, too.

    A document on several lines ends with a bracket at the beginning of a line, as all
    pretty-printers write it.

    Raises:
        InputError: one is longer than any recorder writes.
    """
    lines = _LineStream(stream)
    first = True
    while line := lines.read_line(LONGEST):
        if first:
            line, first = line.removeprefix(BOM), False
        end = line[-_END_BYTES:].rstrip() or line.rstrip()  # copying a long line takes time
        if end.endswith(_OPENING) and lines.peek()[:1] in _INDENTS:
            yield _multiline_document(line, lines)
        else:
            yield line


def _multiline_document(opening: bytes, lines: _LineStream) -> bytes:
    """A document that goes on over several lines, of which the first was read."""
    parts, size = [opening], len(opening)
    while lines.peek()[:1] in _WITHIN and (line := lines.read_line(LONGEST - size)):
        parts.append(line)
        size += len(line)
        if line.startswith(_CLOSING):
            break
    return b"".join(parts)


class _LineStream:
    """The lines of a stream, of which the next can be looked at.

    The `peek` of the stream itself copies its buffer each time.
    """

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._next: bytes | None = None
        self._blank = 0

    def peek(self) -> bytes:
        """The next line, which is not taken; empty at the end."""
        if self._next is None:
            self._next = self._stream.readline(LONGEST + 1)
        return self._next

    def read_line(self, limit: int) -> bytes:
        """Take the next line of at most so many bytes, or many blank ones; empty at the end.

        Raises:
            InputError: it is longer.
        """
        line, self._next = self.peek(), None
        if len(line) > limit:
            raise _too_long()
        self._blank = self._blank + 1 if line.isspace() else 0
        return line + self._blanks() if self._blank > _FEW_BLANK else line

    def _blanks(self) -> bytes:
        """All blank lines in the buffer: one by one, a billion would take an hour."""
        buffered = self._stream.peek(1)
        return self._stream.read(len(buffered) - len(buffered.lstrip(_LINE_END)))


def read_document(stream: BufferedReader, on_bytes: Callable[[int], None]) -> bytes:
    """Read a stream that is a single document.

    Raises:
        InputError: it is longer than any recorder writes.
    """
    parts, size = [], 0
    while part := stream.read1(_READ_BYTES):
        parts.append(part)
        size += len(part)
        on_bytes(len(part))
        if size > LONGEST:
            raise _too_long()
    return b"".join(parts)


def _too_long() -> InputError:
    return InputError(
        f"a line or document is longer than {LONGEST >> 20} MiB: not a trace file, or a damaged one"
    )
