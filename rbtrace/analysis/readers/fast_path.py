"""What makes reading ordinary OTLP spans fast: a cache of attributes, and the compiled scanner.

Spans of an operation have the same attributes, byte by byte, so these are decoded once. Where the
scanner is compiled, ordinary spans come from it as rows of numbers, which are made into chunks of
columns here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Buffer, Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from rbtrace.analysis import columns
from rbtrace.analysis.arrays import Codes, Ints
from rbtrace.analysis.attributes import (
    OwnAttributes,
    SharedAttributes,
    origin_of,
    own_attributes_of,
    shared_attributes_of,
)
from rbtrace.analysis.columns import Builder, Chunk
from rbtrace.analysis.sources import ReadFaults

_CACHE_SIZE: Final = 1 << 10
UNKNOWN: Final = -1
"""Code of what has none yet."""
type DecodedAttributes = tuple[dict[str, Any], tuple[str, str] | None] | None
"""Attributes, and the parent that a link names, if one does; None if they are invalid."""

_KNOWN_PREFIXES: Final = re.compile(rb"rbtrace\.|aggregation\.|rustybt\.|thread\.id")
"""Attributes that contain none of these mean nothing to the analyses."""


class AttributeCache:
    """Turns raw attributes into codes of shared attributes; own ones are decoded each time.

    Args:
        into: whose interners give the codes.
        faults: where invalid attributes are counted.
        decode: from the raw bytes of attributes.

    Attributes:
        recent: codes of attributes that occurred recently; replaced by a new dictionary at times.
    """

    def __init__(
        self, into: Builder, faults: ReadFaults, decode: Callable[[bytes], DecodedAttributes]
    ) -> None:
        self._into = into
        self._faults = faults
        self._decode = decode
        self._plain = into.shared[SharedAttributes()]
        self.recent: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}
        self._origins: dict[bytes, int] = {}

    def codes_of(self, attributes: Sequence[Buffer]) -> tuple[Codes, dict[int, OwnAttributes]]:
        """Codes of the spans' shared attributes, and their own attributes by position."""
        known = map(self.recent.get, map(bytes, attributes), repeat(UNKNOWN))
        codes = np.fromiter(known, np.int32, len(attributes))
        own_attributes: dict[int, OwnAttributes] = {}
        for row in np.flatnonzero(codes == UNKNOWN).tolist():
            codes[row], own = self.code_of(bytes(attributes[row]))
            if own is not None:
                own_attributes[row] = own
        return codes, own_attributes

    def origin(self, resource: bytes, decode: Callable[[bytes], dict[str, Any]]) -> int:
        """Code of the origin of the spans of a resource."""
        code = self._origins.get(resource)
        if code is None:
            code = self._origins[resource] = self._into.origins[origin_of(decode(resource))]
        return code

    def code_of(self, raw: bytes) -> tuple[int, OwnAttributes | None]:
        """Code of the shared attributes of a span, and its own attributes."""
        code, own = self.recent.get(raw, self._before.get(raw)), None
        if code is None:
            code = self._plain
            if _KNOWN_PREFIXES.search(raw):
                code, own = self._decoded(raw)
        if own is None:
            if len(self.recent) >= _CACHE_SIZE:  # what is still in use comes back from `_before`
                self.recent, self._before = {}, self.recent
            self.recent[raw] = code
        return code, own

    def _decoded(self, raw: bytes) -> tuple[int, OwnAttributes | None]:
        decoded = self._decode(raw)
        if decoded is None:
            self._faults.invalid_lines += 1
            return self._plain, None
        attributes, link = decoded
        own = own_attributes_of(attributes)
        if link is not None:
            own = (own or OwnAttributes())._replace(parent_link=link)
        return self._into.shared[shared_attributes_of(attributes)], own


ROW: Final = np.dtype(
    [
        ("trace_high", np.uint64),
        ("trace_low", np.uint64),
        ("span", np.uint64),
        ("parent", np.uint64),
        ("start", np.int64),
        ("end", np.int64),
        ("name", np.int32),
        ("shared", np.int32),
    ]
)
"""A span as the scanner gives it; `name` and `shared` are codes, `UNKNOWN` in case of a miss."""

NAME: Final = 0
SHARED: Final = 1
LINKS: Final = 2


class Miss(NamedTuple):
    """What the scanner leaves to Python: the raw name, attributes or links of the span of a row."""

    row: int
    field: int
    raw: bytes


class CompiledScanner(Protocol):
    """The functions of `_spanscan.c`."""

    def scan_line(
        self, line: bytes, names: dict[bytes, int], shared: dict[bytes, int], /
    ) -> tuple[bytes, list[Miss], list[tuple[bytes, int]]] | None:
        """The spans of a line of OTLP JSON, or None if it is not an ordinary one.

        Args:
            line: a line.
            names: code of each name that is known, by the text between its quotes.
            shared: code of the shared attributes in each text of attributes that is known.

        Returns:
            Rows, their misses, and of each resource the text and the number of its spans.
        """

    def scan_spans(
        self, spans: tuple[bytes, ...], names: dict[bytes, int], shared: dict[bytes, int], /
    ) -> tuple[bytes, list[Miss], list[int]]:
        """The ordinary ones of protobuf spans.

        Args:
            spans: each as it is encoded.
            names: code of each name that is known, encoded.
            shared: code of the shared attributes in each text that has followed a span's times.

        Returns:
            Rows of the ordinary ones in order, their misses, and the indices of the others.
        """


def _load() -> CompiledScanner | None:
    if sys.implementation.name != "cpython":
        return None
    try:
        import rbtrace.analysis.readers._spanscan as extension  # type: ignore[import-not-found]  # noqa: PLC0415 - may be missing
    except ImportError:
        return None
    scanner: CompiledScanner = extension
    return scanner


COMPILED: Final = _load()
"""None where every span is read in Python."""


class ScannedRows:
    """Rows of several lines or messages, until there are enough of them for a chunk.

    Args:
        into: where chunks go.
        attribute_cache: of the attributes in this format.
        text_of: the text of a raw name.
        parent_link: trace and id of the parent that raw links name, if one does.

    Attributes:
        names: code of each raw name that has occurred.
    """

    def __init__(
        self,
        into: Builder,
        attribute_cache: AttributeCache,
        text_of: Callable[[bytes], str],
        parent_link: Callable[[bytes], tuple[str, str] | None] = lambda _raw: None,
    ) -> None:
        self.names: dict[bytes, int] = {}
        self._into = into
        self._attribute_cache = attribute_cache
        self._text_of = text_of
        self._parent_link = parent_link
        self._begin()

    def _begin(self) -> None:
        self._rows: list[bytes] = []
        self._size = 0
        self._origins: list[int] = []
        self._counts: list[int] = []
        self._names: dict[int, int] = {}
        self._shared: dict[int, int] = {}
        self._own_attributes: dict[int, OwnAttributes] = {}

    def add(self, rows: bytes, misses: Iterable[Miss], origins: Iterable[tuple[int, int]]) -> None:
        """Take rows.

        Args:
            rows: of `ROW`.
            misses: what the scanner left to do.
            origins: codes of origins, and how many rows in turn are of each.
        """
        for row, field, raw in misses:
            self._resolve(self._size + row, field, raw)
        for origin, count in origins:
            self._origins.append(origin)
            self._counts.append(count)
        self._rows.append(rows)
        self._size += len(rows) // ROW.itemsize
        if self._size >= columns.CHUNK_SPANS:
            self.flush()

    def flush(self) -> None:
        """Make a chunk of the rows."""
        if not self._size:
            return
        rows = np.frombuffer(b"".join(self._rows), ROW)
        chunk = Chunk(
            self._traces(rows["trace_high"], rows["trace_low"]),
            rows["span"].copy(),
            rows["parent"].copy(),
            rows["start"].copy(),
            rows["end"].copy(),
            _filled_in(rows["name"], self._names),
            np.repeat(np.array(self._origins, np.int32), self._counts),
            _filled_in(rows["shared"], self._shared),
            self._own_attributes,
        )
        self._begin()
        self._into.add(chunk)

    def _resolve(self, row: int, field: int, raw: bytes) -> None:
        if field == NAME:
            code = self.names.get(raw)
            if code is None:
                code = self.names[raw] = self._into.names[self._text_of(raw)]
            self._names[row] = code
        elif field == SHARED:
            self._shared[row], own = self._attribute_cache.code_of(raw)
            if own is not None:
                self._own_attributes[row] = own
        elif (link := self._parent_link(raw)) is not None:
            self._own_attributes[row] = self._own_attributes.get(row, OwnAttributes())._replace(
                parent_link=link
            )

    def _traces(self, high: Any, low: Any) -> Codes:
        changes = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        first: Ints = np.flatnonzero(np.concatenate(([True], changes)))
        pairs = zip(high[first].tolist(), low[first].tolist(), strict=True)
        texts = [f"{high_half:016x}{low_half:016x}" for high_half, low_half in pairs]
        return np.repeat(self._into.trace_codes(texts), np.diff(np.append(first, high.size)))


def _filled_in(codes: Any, resolved: dict[int, int]) -> Codes:
    """The codes, with those of some rows that Python has resolved."""
    complete: Codes = codes.copy()
    complete[list(resolved)] = list(resolved.values())
    return complete
