"""Columns under construction: readers add chunks of spans, of which the `SpanTable` is made.

A reader knows its format and nothing of the analyses. Texts are interned: columns have codes.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Codes, Ids, Ints, Mask, starts_of_runs
from rbtrace.analysis.attributes import Origin, OwnAttributes, SharedAttributes
from rbtrace.analysis.table import Buckets, buckets_of

CHUNK_SPANS: Final = 1 << 10
"""Spans of a chunk, about: its columns are made while it is in the processor's cache still."""
_HEX_OF_SPAN: Final = 16
_HEX_OF_TRACE: Final = 32


class Interner[T: Hashable](dict[T, int]):
    """Codes for values, in order of occurrence; `values_by_code[code]` is the value."""

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
    """Some spans as they were read: parallel columns, one item per span.

    `trace`, `name`, `origin` and `shared` are codes of the builder's interners; `parent_id` is 0
    for a root, `span_id` 0 where it is invalid; times are epoch ns, 0 where missing.
    `own_attributes` are by position in the columns.
    """

    trace: Codes
    span_id: Ids
    parent_id: Ids
    start: Ints
    end: Ints
    name: Codes
    origin: Codes
    shared: Codes
    own_attributes: dict[int, OwnAttributes] = field(default_factory=dict)


class Columns(NamedTuple):
    """Spans as arrays; codes refer to the interners of the builder. `parent_id` 0: a root."""

    trace: Codes
    span_id: Ids
    parent_id: Ids
    start: Ints
    end: Ints
    name: Codes
    origin: Codes
    shared: Codes
    adopted: Mask

    @classmethod
    def empty(cls) -> Columns:
        """No spans."""
        codes, ids, times = np.zeros(0, np.int32), np.zeros(0, np.uint64), np.zeros(0, np.int64)
        return cls(codes, ids, ids, times, times, codes, codes, codes, np.zeros(0, np.bool_))

    def of(self, rows: Codes | Mask) -> Columns:
        """These rows of every column."""
        return Columns._make(column[rows] for column in self)


class SpanBatch(NamedTuple):
    """Spans as a builder holds them; rows count from the first span of the batch.

    `figures` has one row per summary: the first six fields of `Summary`. `own_attributes` are by
    row.
    """

    columns: Columns
    own_attributes: dict[int, OwnAttributes]
    summary_rows: Ints
    figures: Ints
    buckets: Buckets


_NO_ROWS: Final = np.zeros(0, np.int64)
_NO_FIGURES: Final = _NO_ROWS.reshape(0, 6)
_NO_BUCKETS: Final = buckets_of([])


class Builder:
    """Collects spans from readers. `adopting` is true while a dead process's open spans are read.

    `rows` is the number of spans that it holds. Spans can be taken out while reading goes on; the
    interners stay, so that codes mean the same in every batch.
    """

    def __init__(self) -> None:
        self.names = Interner[str]()
        self.traces = Interner[str](_canonical_trace)
        self.origins = Interner[Origin]()
        self.shared = Interner[SharedAttributes]()
        self.adopting = False
        self.invalid_spans = 0
        self.rows = 0
        self._batches: list[SpanBatch] = []

    def add(self, chunk: Chunk) -> None:
        """Add the spans of a chunk; those without valid ids are counted and left out."""
        usable = (chunk.span_id != 0) & (chunk.trace != self.traces[""])
        columns = Columns(
            chunk.trace,
            chunk.span_id,
            chunk.parent_id,
            chunk.start,
            chunk.end,
            chunk.name,
            chunk.origin,
            chunk.shared,
            np.full(chunk.trace.size, self.adopting),
        )
        own_attributes = chunk.own_attributes
        if not usable.all():
            self.invalid_spans += int(usable.size - usable.sum())
            position = np.cumsum(usable) - 1
            own_attributes = {
                int(position[row]): own for row, own in own_attributes.items() if usable[row]
            }
            columns = columns.of(usable)
        self.add_batch(_batch(columns, own_attributes))

    def trace_codes(self, texts: list[str]) -> Codes:
        """Codes of trace ids in hexadecimal or base64; neighbours mostly share theirs."""
        if texts and texts.count(texts[0]) == len(texts):
            return np.full(len(texts), self.traces[texts[0]], np.int32)
        joined = "".join(texts)
        if len(joined) != _HEX_OF_TRACE * len(texts) or not joined.isascii():
            return self._codes(self.traces, texts)
        ids = np.frombuffer(joined.encode(), f"S{_HEX_OF_TRACE}")
        first = starts_of_runs(ids)
        codes = self._codes(self.traces, [texts[at] for at in first.tolist()])
        return np.repeat(codes, np.diff(np.append(first, ids.size)))

    def name_codes(self, texts: list[str]) -> Codes:
        """Codes of the names of spans."""
        return self._codes(self.names, texts)

    def _codes(self, interner: Interner[str], texts: list[str]) -> Codes:
        return np.fromiter(map(interner.__getitem__, texts), np.int32, len(texts))

    def add_batch(self, batch: SpanBatch) -> None:
        """Add spans whose texts have been interned."""
        self._batches.append(batch)
        self.rows += batch.columns.trace.size

    def take(self, limit: int | None = None) -> SpanBatch:
        """Take out spans, in the order in which they were added.

        Args:
            limit: take no more batches once they have as many spans; None for all.
        """
        count, rows = len(self._batches), self.rows
        if limit is not None:
            sizes = np.cumsum([batch.columns.trace.size for batch in self._batches])
            count = min(count, int(np.searchsorted(sizes, limit)) + 1)
            rows = int(sizes[count - 1]) if count else 0
        batches, self._batches = self._batches[:count], self._batches[count:]
        self.rows -= rows
        return _joined(batches) if batches else _batch(Columns.empty(), {})


def _batch(columns: Columns, own_attributes: dict[int, OwnAttributes]) -> SpanBatch:
    if not own_attributes:
        return SpanBatch(columns, own_attributes, _NO_ROWS, _NO_FIGURES, _NO_BUCKETS)
    numbered = [
        (row, own.summary) for row, own in own_attributes.items() if own.summary is not None
    ]
    summaries = [summary for _, summary in numbered]
    return SpanBatch(
        columns,
        {
            row: own
            for row, own in own_attributes.items()
            if own.summary is None or own.parent_link is not None
        },
        np.array([row for row, _ in numbered], np.int64),
        np.array([summary[:6] for summary in summaries], np.int64).reshape(-1, 6),
        buckets_of(summaries),
    )


def _joined(batches: list[SpanBatch]) -> SpanBatch:
    sizes = [batch.columns.trace.size for batch in batches]
    first = np.cumsum([0, *sizes[:-1]]).tolist()
    summaries = np.cumsum([0, *(batch.summary_rows.size for batch in batches[:-1])]).tolist()
    own_attributes = {
        row + start: own
        for batch, start in zip(batches, first, strict=True)
        for row, own in batch.own_attributes.items()
    }
    rows = np.concatenate(
        [batch.summary_rows + start for batch, start in zip(batches, first, strict=True)]
    )
    figures = np.concatenate([batch.figures for batch in batches])
    buckets = Buckets.joined([batch.buckets for batch in batches], summaries)
    columns = [list(parts) for parts in zip(*(batch.columns for batch in batches), strict=True)]
    batches.clear()  # each column is freed as it is joined: there are never two copies of all
    joined = Columns._make(np.concatenate(_drained(parts)) for parts in columns)
    return SpanBatch(joined, own_attributes, rows, figures, buckets)


def _drained[T](items: list[T]) -> list[T]:
    """The items of a list, which is emptied."""
    copies = items.copy()
    items.clear()
    return copies


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


def ids_of(texts: list[str]) -> Ids:
    """Ids in hexadecimal or base64 as numbers; 0 for one that is empty or invalid."""
    joined = "".join(texts)
    if len(joined) != _HEX_OF_SPAN * len(texts) or "" in texts:
        zero = "0" * _HEX_OF_SPAN
        texts = [text or zero for text in texts]
        joined = "".join(texts)
    if len(joined) == _HEX_OF_SPAN * len(texts) and set(map(len, texts)) <= {_HEX_OF_SPAN}:
        try:
            return np.frombuffer(binascii.unhexlify(joined), ">u8").astype(np.uint64)
        except (binascii.Error, ValueError):
            pass  # some id is not hexadecimal: look at each alone
    each = [parse_id(text, _HEX_OF_SPAN) or "0" * _HEX_OF_SPAN for text in texts]
    return np.frombuffer(binascii.unhexlify("".join(each)), ">u8").astype(np.uint64)


LARGEST_KEPT: Final = (1 << 25) - (1 << 16)
"""Just below the largest block, in bytes, that glibc keeps once it was freed."""


def keep_freed_memory() -> None:
    """Let the C library keep freed memory, because another column needs it again at once.

    glibc gives large blocks back to the system, which then maps each anew, page by page; that may
    take longer than the sum over a column. It keeps blocks as large as the largest that was ever
    freed. This one is never written to, so it takes no memory; elsewhere it has no effect.
    """
    bytes(LARGEST_KEPT)


def return_freed_memory() -> None:
    """Return memory to the system that was freed in small pieces and will not be needed again.

    Only glibc has a call for this.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
