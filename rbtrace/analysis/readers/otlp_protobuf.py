"""OTLP protobuf: requests with their lengths before them, or one alone."""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader

from rbtrace.analysis.columns import Builder
from rbtrace.analysis.readers.framing import Cut, framing
from rbtrace.analysis.readers.interface import Faults


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
    from rbtrace.analysis.readers.protobuf_spans import (  # noqa: PLC0415 - slow to import
        Gathered,
    )

    gathered = Gathered(into, faults)
    messages = framing(stream.peek())
    assert messages is not None, "recognised before"
    try:
        for message in messages(stream):
            seen(len(message))
            gathered.add(message)
    except Cut:
        faults.truncated_lines += 1
    finally:  # a damaged stream ends in an exception
        gathered.flush()
