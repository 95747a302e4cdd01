"""What a reader is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import NamedTuple, Protocol

from rbtrace.analysis.columns import Builder


@dataclass(slots=True)
class Faults:
    """What could not be read."""

    invalid_lines: int = 0
    truncated_lines: int = 0


class ReadInto(Protocol):
    """Read a stream to its end into a builder; `seen` is told how many bytes were read.

    What is wrong in the stream is counted in the faults.
    """

    def __call__(
        self, stream: BufferedReader, into: Builder, faults: Faults, seen: Callable[[int], None]
    ) -> None:
        """Read the stream."""


class Reader(NamedTuple):
    """One format: its name, whether a stream that begins with these bytes is of it, its reader."""

    name: str
    recognises: Callable[[bytes], bool]
    read: ReadInto
