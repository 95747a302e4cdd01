"""Columns under construction: readers add chunks, and `SpanTable` is made of what they added.

A reader knows its format and nothing of analyses: it hands over lists of raw values, chunk by
chunk, and this module turns them into numpy columns, with texts interned to codes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask
from rbtrace.analysis.facts import Extra, Facts, Origin, Summary
from rbtrace.analysis.histograms import Buckets, buckets_of

_HEX_OF_SPAN: Final = 16
_HEX_OF_TRACE: Final = 32


class Interner[T: Hashable](dict[T, int]):
    """Codes for values, in order of first sight; `values[code]` is the value."""

    def __init__(self, canonical: Callable[[T], T] | None = None) -> None:
        super().__init__()
        self.values_by_code: list[T] = []
        self._canonical = canonical

    def __missing__(self, value: T) -> int:
        same = value if self._canonical is None else self._canonical(value)
        if same != value:
            code = self[same]
        else:
            code = len(self.values_by_code)
            self.values_by_code.append(value)
        self[value] = code
        return code


@dataclass(slots=True)
class Chunk:
    """Some spans as a reader found them: parallel lists, one item per span.

    Ids are hexadecimal of either case, or base64; `parent_id` is empty for a root; times are
    epoch ns, 0 where missing. `origin` and `facts` are codes of the builder's interners. `extras`
    are by position in the lists.
    """

    trace_id: list[str] = field(default_factory=list)
    span_id: list[str] = field(default_factory=list)
    parent_id: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    facts: list[int] = field(default_factory=list)
    extras: dict[int, Extra] = field(default_factory=dict)


class Columns(NamedTuple):
    """Spans as arrays; codes refer to the interners of the builder. `parent_id` 0: a root."""

    trace: Codes
    span_id: Ids
    parent_id: Ids
    start: Ints
    end: Ints
    name: Codes
    origin: Codes
    facts: Codes
    adopted: Mask

    def of(self, rows: Ints | Mask) -> Columns:
        """These rows of every column."""
        return Columns._make(column[rows] for column in self)


class Builder:
    """Collects chunks. `adopting` is true while a dead process's open spans are read."""

    def __init__(self) -> None:
        self.names = Interner[str]()
        self.traces = Interner[str](_canonical_trace)
        self.origins = Interner[Origin]()
        self.facts = Interner[Facts]()
        self.adopting = False
        self.invalid_spans = 0
        self.extras: dict[int, Extra] = {}
        self._summary_rows: list[int] = []
        self._summary_figures: list[Ints] = []
        self._buckets: list[Buckets] = []
        self._columns: list[Columns] = []
        self._rows = 0

    def add(self, chunk: Chunk) -> None:
        """Add the spans of a chunk; those without valid ids are counted and left out."""
        trace = np.fromiter(map(self.traces.__getitem__, chunk.trace_id), np.int32)
        span_id = _ids(chunk.span_id)
        usable = (span_id != 0) & (trace != self.traces[""])
        columns = Columns(
            trace,
            span_id,
            _ids(chunk.parent_id),
            np.array(chunk.start, np.int64),
            np.array(chunk.end, np.int64),
            np.fromiter(map(self.names.__getitem__, chunk.name), np.int32),
            np.array(chunk.origin, np.int32),
            np.array(chunk.facts, np.int32),
            np.full(trace.size, self.adopting),
        )
        extras = chunk.extras
        if not usable.all():
            self.invalid_spans += int(trace.size - usable.sum())
            position = np.cumsum(usable) - 1
            extras = {int(position[row]): extra for row, extra in extras.items() if usable[row]}
            columns = columns.of(usable)
        self._columns.append(columns)
        self._add_extras(extras)
        self._rows += columns.trace.size

    def _add_extras(self, extras: dict[int, Extra]) -> None:
        summaries: list[Summary] = []
        for position, extra in extras.items():
            if extra.summary is not None:
                self._summary_rows.append(self._rows + position)
                summaries.append(extra.summary)
            if extra.summary is None or extra.parent_link is not None:
                self.extras[self._rows + position] = extra
        if summaries:
            first = sum(len(figures) for figures in self._summary_figures)
            self._summary_figures.append(np.array([one[:6] for one in summaries], np.int64))
            self._buckets.append(buckets_of(summaries, first))

    def columns(self) -> Columns:
        """All spans added so far, in the order in which they were added."""
        if not self._columns:
            self.add(Chunk())
        if len(self._columns) > 1:
            together = map(np.concatenate, zip(*self._columns, strict=True))
            self._columns = [Columns._make(together)]
        return self._columns[0]

    def summary_columns(self) -> tuple[Codes, Ints]:
        """Rows of the summary spans, and their figures: the first six fields of `Summary`."""
        rows = np.array(self._summary_rows, np.int32)
        return rows, np.concatenate([np.zeros((0, 6), np.int64), *self._summary_figures])

    def buckets(self) -> Buckets:
        """The histograms of all summary spans."""
        empty = np.zeros(0, np.int64)
        parts = [Buckets(empty, empty, empty), *self._buckets]
        return Buckets(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def parse_id(text: str, digits: int) -> str:
    """An id in lower-case hexadecimal, from hexadecimal or base64; "" if it is neither."""
    try:
        if len(text) == digits:
            return binascii.unhexlify(text).hex()
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) * 2 == digits else ""


def _canonical_trace(text: str) -> str:
    identity = parse_id(text, _HEX_OF_TRACE)
    return identity if identity.strip("0") else ""


def _ids(texts: list[str]) -> Ids:
    """Ids as numbers; 0 for an id that is empty or invalid."""
    zero = "0" * _HEX_OF_SPAN
    padded = [text or zero for text in texts]
    if set(map(len, padded)) <= {_HEX_OF_SPAN}:
        try:
            return np.frombuffer(binascii.unhexlify("".join(padded)), ">u8").astype(np.uint64)
        except (binascii.Error, ValueError):
            pass  # some id is not hexadecimal: look at each alone
    each = [parse_id(text, _HEX_OF_SPAN) or zero for text in padded]
    return np.frombuffer(binascii.unhexlify("".join(each)), ">u8").astype(np.uint64)
