"""Readers, one module per format. A new format is a new module and a row in `READERS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rbtrace.analysis.columns import Builder
from rbtrace.analysis.readers import jaeger_json, otlp_json, otlp_protobuf, parquet
from rbtrace.analysis.readers.interface import Reader, ReadFaults
from rbtrace.analysis.sources import Source
from rbtrace.analysis.streams import DAMAGED, HEAD_BYTES
from rbtrace.errors import InputError

READERS: Final = (
    Reader("OTLP JSON", otlp_json.recognises, otlp_json.read),
    Reader("OTLP protobuf", otlp_protobuf.recognises, otlp_protobuf.read),
    Reader("Parquet", parquet.recognises, parquet.read),
    Reader("Jaeger JSON", jaeger_json.recognises, jaeger_json.read),
)


def read(source: Source, into: Builder, faults: ReadFaults, seen: Callable[[int], None]) -> bool:
    """Read a source of any format.

    Returns:
        Whether it was a trace. What the user did not name, only its folder, need not be one.

    Raises:
        InputError: the source can't be opened, or the user named it and it is not a trace.
    """
    try:
        stream = source.open()
    except DAMAGED:
        if source.asked:
            raise InputError(f"cannot read {source.name}: its compression is damaged") from None
        faults.truncated_lines += 1
        return True
    with stream:
        head = stream.peek(HEAD_BYTES)
        reader = _continuing(faults) or next(
            (candidate for candidate in READERS if candidate.recognises(head)), None
        )
        if reader is None:
            if source.asked:
                raise InputError(_why_not(source, head))
            return False
        try:
            reader.read(stream, into, faults, seen)
        except DAMAGED:
            faults.truncated_lines += 1  # what came before it counts
        except InputError as problem:
            raise InputError(f"cannot read {source.name}: {problem}") from None
    return True


def _continuing(faults: ReadFaults) -> Reader | None:
    """The reader of a file that begins within a line, if one was cut before it."""
    return READERS[0] if faults.cut else None


def _why_not(source: Source, head: bytes) -> str:
    if not head:
        return f"{source.name} is empty: no span was written to it"
    formats = " or ".join(reader.name for reader in READERS)
    return f"{source.name} is not a trace: it begins with {head[:24]!r}; expected {formats}"
