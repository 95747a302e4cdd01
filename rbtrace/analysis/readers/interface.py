"""The interface of readers, and the faults they count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedReader
from typing import NamedTuple, Protocol

from rbtrace.analysis.columns import Builder
from rbtrace.files.sidecars import Tally


@dataclass(slots=True)
class ReadFaults:
    """Faults found while reading, and those that a file lists of the sources it was made of.

    `cut` is the beginning of a line that may go on in the file that follows.
    """

    invalid_lines: int = 0
    truncated_lines: int = 0
    unclean: int = 0
    tallies: list[Tally] = field(default_factory=list)
    cut: bytes = b""

    def nothing_follows(self) -> None:
        """Count what was cut off, if anything was."""
        self.truncated_lines += bool(self.cut)
        self.cut = b""


class ReadInto(Protocol):
    """Read a stream to its end into a builder; `seen` is told how many bytes were read.

    What is wrong in the stream is counted in the faults.
    """

    def __call__(
        self, stream: BufferedReader, into: Builder, faults: ReadFaults, seen: Callable[[int], None]
    ) -> None:
        """Read the stream."""


class Reader(NamedTuple):
    """One format: its name, whether a stream that begins with these bytes is of it, its reader."""

    name: str
    recognises: Callable[[bytes], bool]
    read: ReadInto
