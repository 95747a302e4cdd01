"""The compiled scanner of ordinary spans, where this installation has it."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple, Protocol

import numpy as np

ROW: Final = np.dtype(
    [
        ("trace_high", np.uint64),
        ("trace_low", np.uint64),
        ("span", np.uint64),
        ("parent", np.uint64),
        ("start", np.int64),
        ("end", np.int64),
        ("name", np.int32),
        ("facts", np.int32),
    ]
)
"""A span as the scanner gives it; `name` and `facts` are codes, or -1 where a miss says more."""

NAME: Final = 0
FACTS: Final = 1
LINKS: Final = 2


class Miss(NamedTuple):
    """What the scanner leaves to Python: the raw name, attributes or links of the span of a row."""

    row: int
    about: int
    raw: bytes


class Compiled(Protocol):
    """What `_spanscan.c` offers."""

    def scan_line(
        self, line: bytes, names: dict[bytes, int], facts: dict[bytes, int], /
    ) -> tuple[bytes, list[Miss], list[tuple[bytes, int]]] | None:
        """The spans of a line of OTLP JSON, or None if it is not an ordinary one.

        Args:
            line: a line.
            names: code of each name that is known, by the text between its quotes.
            facts: code of the facts of each text of attributes that is known.

        Returns:
            Rows, what is to be done about them, and of each resource the text and how many of the
            spans are its own.
        """

    def scan_spans(
        self, spans: tuple[bytes, ...], names: dict[bytes, int], facts: dict[bytes, int], /
    ) -> tuple[bytes, list[Miss], list[int]]:
        """The ordinary ones of protobuf spans.

        Args:
            spans: each as it is encoded.
            names: code of each name that is known, encoded.
            facts: code of the facts of what may stand after the times of a span.

        Returns:
            Rows of the ordinary ones in turn, what is to be done about them, and the numbers of
            the others.
        """


def _load() -> Compiled | None:
    if sys.implementation.name != "cpython":
        return None
    try:
        from rbtrace.analysis.readers import (  # type: ignore[attr-defined]  # noqa: PLC0415
            _spanscan,
        )
    except ImportError:
        return None
    found: Compiled = _spanscan
    return found


COMPILED: Final = _load()
"""None where every span is read in Python."""
