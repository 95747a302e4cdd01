"""Cutting a stream of JSON into documents: one on each line, or printed over many lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import Final

from rbtrace.errors import InputError

BOM: Final = b"\xef\xbb\xbf"
LONGEST: Final = 1 << 28
"""Longer than what any recorder writes at once, bytes."""
_READ_BYTES: Final = 1 << 20
_END_BYTES: Final = 16
_OPENING: Final = (b"{", b"[")
_CLOSING: Final = (b"}", b"]")
_INDENTS: Final = frozenset({b" ", b"\t"})
_WITHIN: Final = _INDENTS | {b"}", b"]", b"\r", b"\n"}


def documents(stream: BufferedReader) -> Iterator[bytes]:
    """Each document; the text may begin with a byte order mark.

    Printed documents end with a bracket at the beginning of a line, as all printers write them.

    Raises:
        InputError: one is longer than any recorder writes.
    """
    first = True
    while line := _line(stream, LONGEST):
        if first:
            line, first = line.removeprefix(BOM), False
        end = line[-_END_BYTES:].rstrip() or line.rstrip()  # copying a long line takes time
        if end.endswith(_OPENING) and stream.peek(1)[:1] in _INDENTS:
            yield _printed(line, stream)
        else:
            yield line


def _printed(opening: bytes, stream: BufferedReader) -> bytes:
    """The rest of a document that goes on over several lines."""
    lines, size = [opening], len(opening)
    while stream.peek(1)[:1] in _WITHIN and (line := _line(stream, LONGEST - size)):
        lines.append(line)
        size += len(line)
        if line.startswith(_CLOSING):
            break
    return b"".join(lines)


def whole(stream: BufferedReader, seen: Callable[[int], None]) -> bytes:
    """All of a stream that is one document.

    Raises:
        InputError: it is longer than any recorder writes.
    """
    parts, size = [], 0
    while part := stream.read1(_READ_BYTES):
        parts.append(part)
        size += len(part)
        seen(len(part))
        if size > LONGEST:
            raise _too_long()
    return b"".join(parts)


def _line(stream: BufferedReader, most: int) -> bytes:
    line = stream.readline(most + 1)
    if len(line) > most:
        raise _too_long()
    return line


def _too_long() -> InputError:
    return InputError(
        f"a line or document is longer than {LONGEST >> 20} MiB: not a trace file, or a damaged one"
    )
