"""Loading a table from paths: each source is read by the reader of its format, then assembled.

The spans that a dead process left open are read last. A new format is a new module in `readers` and
a row in `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from rbtrace.analysis.assembly import build
from rbtrace.analysis.columns import Builder, keep_freed_memory
from rbtrace.analysis.readers import jaeger_json, otlp_json, otlp_protobuf, parquet
from rbtrace.analysis.sources import ReadFaults, Sidecars, Source, expand, read_sidecars
from rbtrace.analysis.streams import DAMAGED, HEAD_BYTES
from rbtrace.analysis.table import SpanTable
from rbtrace.errors import InputError

Progress = Callable[[int, int], None]
"""Called with the number of bytes read so far, and of all bytes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table, and the report of how it was read."""

    table: SpanTable
    faults: ReadFaults
    sidecars: Sidecars


def load(paths: Iterable[str | Path], progress: Progress | None = None) -> Loaded:
    """Read spans.

    Args:
        paths: files, folders, globs, or `-`.
        progress: called as reading goes on.

    Raises:
        InputError: nothing could be read; the message says what and why.
    """
    keep_freed_memory()
    builder = Builder()
    report = read_spans(paths, builder, progress or (lambda _done, _everything: None))
    table = build(builder)
    if not table.size:
        raise InputError(why_no_spans(report))
    return Loaded(table, report.faults, report.sidecars)


class ReadReport(NamedTuple):
    """How paths were read: faults and sidecar files; `traces` counts the trace files."""

    named: list[str]
    traces: int
    faults: ReadFaults
    sidecars: Sidecars


def read_spans(paths: Iterable[str | Path], into: Builder, progress: Progress) -> ReadReport:
    """Read spans into a builder; `progress` may take from it what is there.

    Raises:
        InputError: something could not be read; the message says what and why.
    """
    named = [str(path) for path in paths]
    inputs = expand(named)
    sidecars = read_sidecars(inputs.sources, inputs.folders)
    faults = ReadFaults()
    total_bytes = sum(source.size for source in inputs.sources)
    read_bytes = 0

    def on_bytes(count: int) -> None:
        nonlocal read_bytes
        read_bytes += count
        progress(read_bytes, total_bytes)

    traces = 0
    previous = None
    for source in inputs.sources:
        if previous is None or not source.continues(previous):
            faults.nothing_follows()
        traces += read(source, into, faults, on_bytes)
        previous = source
    faults.nothing_follows()
    into.adopting = True
    for source in sidecars.adoptable:
        read(source, into, faults, lambda _count: None)
        faults.nothing_follows()
    faults.invalid_lines += into.invalid_spans
    sidecars.tallies.extend(faults.tallies)
    return ReadReport(named, traces, faults, sidecars)


def why_no_spans(report: ReadReport) -> str:
    """Why there are no spans, in one line."""
    named, traces, faults, sidecars = report
    where = ", ".join(named)
    if sidecars.running:
        return f"no spans in {where} yet: {', '.join(sidecars.running)} is still running"
    if faults.invalid_lines or faults.truncated_lines:
        return (
            f"no readable span in {where}: {faults.invalid_lines} invalid and "
            f"{faults.truncated_lines} truncated lines"
        )
    if traces:
        return f"no spans in {where}"
    return f"no trace files in {where}: expected OTLP, Jaeger JSON or Parquet; see docs/formats.md"


class ReadInto(Protocol):
    """Read a stream to its end into a builder, counting what is wrong in it as faults.

    `on_bytes` is called with the number of bytes, each time that some have been read.
    """

    def __call__(
        self,
        stream: BufferedReader,
        into: Builder,
        faults: ReadFaults,
        on_bytes: Callable[[int], None],
    ) -> None:
        """Read the stream."""


class Reader(NamedTuple):
    """A format: its name, whether a stream with a given head is of it, and how it is read."""

    name: str
    recognises: Callable[[bytes], bool]
    read: ReadInto


READERS: Final = (
    Reader("OTLP JSON", otlp_json.recognises, otlp_json.read),
    Reader("OTLP protobuf", otlp_protobuf.recognises, otlp_protobuf.read),
    Reader("Parquet", parquet.recognises, parquet.read),
    Reader("Jaeger JSON", jaeger_json.recognises, jaeger_json.read),
)


def read(
    source: Source, into: Builder, faults: ReadFaults, on_bytes: Callable[[int], None]
) -> bool:
    """Read a source of any format; see `ReadInto`.

    Returns:
        Whether it was a trace. A file that the user did not name, only its folder, need not be one.

    Raises:
        InputError: the source can't be opened, or the user named it and it is not a trace.
    """
    try:
        stream = source.open()
    except DAMAGED:
        if source.is_named:
            raise InputError(f"cannot read {source.name}: its compression is damaged") from None
        faults.truncated_lines += 1
        return True
    with stream:
        head = stream.peek(HEAD_BYTES)
        reader = _reader_of_cut_line(faults) or next(
            (candidate for candidate in READERS if candidate.recognises(head)), None
        )
        if reader is None:
            if source.is_named:
                raise InputError(_why_no_trace(source, head))
            return False
        try:
            reader.read(stream, into, faults, on_bytes)
        except DAMAGED:
            faults.truncated_lines += 1  # what came before it counts
        except InputError as problem:
            raise InputError(f"cannot read {source.name}: {problem}") from None
    return True


def _reader_of_cut_line(faults: ReadFaults) -> Reader | None:
    """The reader of a file that begins within a line, if one was cut before it."""
    return READERS[0] if faults.cut else None


def _why_no_trace(source: Source, head: bytes) -> str:
    if not head:
        return f"{source.name} is empty: no span was written to it"
    formats = " or ".join(reader.name for reader in READERS)
    return f"{source.name} is not a trace: it begins with {head[:24]!r}; expected {formats}"
