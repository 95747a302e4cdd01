"""What of a spans file is still to be sent, and the note beside it that remembers what was.

The note is the `.sent` file that the recorder itself writes: ranges of bytes that a collector has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from rbtrace.analysis.sources import Source
from rbtrace.conventions import SENT_SUFFIX, SPANS_SUFFIX, TALLY_SUFFIX
from rbtrace.errors import InputError
from rbtrace.files.liveness import is_alive
from rbtrace.files.sidecars import Sent, Tally
from rbtrace.files.small_files import replace_file

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes; a longer line is no batch of spans."""


class Line(NamedTuple):
    """One `ExportTraceServiceRequest` of a file, and the bytes it has there."""

    content: bytes
    start: int
    end: int
    spans: int


class _ScopeSpans(msgspec.Struct):
    spans: list[msgspec.Raw] = []


class _Group(msgspec.Struct, rename="camel"):
    scope_spans: list[_ScopeSpans] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_Group]


class KeptFile:
    """A spans file to be sent, and how much of it has been.

    Attributes:
        invalid: lines that are no OTLP JSON request, or are cut off; they are left out.
    """

    def __init__(self, source: Source) -> None:
        """Read the note beside the file.

        Raises:
            InputError: the note cannot be understood.
        """
        self.source = source
        self.invalid = 0
        self._note_path = _note_path(source)
        self._ranges = _read_note(self._note_path)

    @property
    def name(self) -> str:
        """The file as messages name it."""
        return self.source.name

    def is_being_written(self) -> bool:
        """Whether the process that records into this file is still running, and sends it itself."""
        path = self.source.sibling(TALLY_SUFFIX)
        if path is None:
            return False
        try:
            writer = msgspec.json.decode(path.read_bytes(), type=Tally)
        except (OSError, ValueError):
            return False
        return is_alive(writer.host, writer.pid, writer.started)

    def unsent(self, *, again: bool = False) -> Iterator[Line]:
        """The lines no collector has yet, in their order; with `again`, all lines.

        Raises:
            InputError: the file cannot be read, or it is no text of lines.
        """
        start = 0
        with self.source.open() as stream:
            while content := stream.readline(LONGEST_LINE):
                if len(content) == LONGEST_LINE:
                    raise InputError(f"{self.name}: a line is longer than {LONGEST_LINE:,} bytes")
                end = start + len(content)
                if content.strip() and (again or not self._is_sent(start, end)):
                    spans = _spans_in(content)
                    if spans is None:
                        self.invalid += 1
                    else:
                        yield Line(content, start, end, spans)
                start = end

    def _is_sent(self, start: int, end: int) -> bool:
        return any(low <= start and end <= high for low, high in self._ranges)

    def note(self, line: Line) -> None:
        """Remember that a line was taken.

        Raises:
            InputError: the note cannot be written.
        """
        self._ranges = _merged([*self._ranges, (line.start, line.end)])
        if self._note_path is None:
            return
        try:
            replace_file(self._note_path, msgspec.json.encode(Sent(ranges=self._ranges)))
        except OSError as problem:
            reason = problem.strerror or problem
            raise InputError(f"cannot write {self._note_path}: {reason}") from None


def _note_path(source: Source) -> Path | None:
    if source.path is None:
        return None
    stem = source.path.name.removesuffix(SPANS_SUFFIX)
    return source.path.with_name(stem + SENT_SUFFIX)


def _read_note(path: Path | None) -> list[tuple[int, int]]:
    if path is None:
        return []
    try:
        return _merged(msgspec.json.decode(path.read_bytes(), type=Sent).ranges)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as problem:
        raise InputError(
            f"cannot understand {path}: {problem}; remove it to send the whole file again"
        ) from None


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _spans_in(content: bytes) -> int | None:
    """How many spans a line holds; None if it is no request."""
    try:
        request = msgspec.json.decode(content, type=_Request)
    except (msgspec.MsgspecError, ValueError):
        return None
    return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)
