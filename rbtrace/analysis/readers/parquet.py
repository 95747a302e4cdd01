"""Parquet files of spans, as `rbtrace export --parquet` writes them, and their columns.

A row is a span as it was read, before anything is joined or corrected, so that analyzing the file
gives the same as analyzing its sources, with duplicates and missing ends. The metadata of the file
has the numbers of lines that could not be read and of the spans that the processes counted.

A Parquet file has its index at its end: unlike the other formats, it is read as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from rbtrace.analysis.arrays import Codes, Ints
from rbtrace.analysis.attributes import Origin, OwnAttributes, SharedAttributes
from rbtrace.analysis.columns import Builder, Columns, Interner, SpanBatch
from rbtrace.analysis.sources import ReadFaults, SourceCounts
from rbtrace.analysis.table import Buckets
from rbtrace.errors import InputError, MissingExtraError

VERSION: Final = "1"
VERSION_KEY: Final = b"rbtrace.parquet.version"
"""Key of the file's metadata that says which version of these columns it has."""
COUNTS_KEY: Final = b"rbtrace.parquet.counts"
"""Key of the file's metadata with what was counted, as JSON (see `SourceCounts`)."""


class ParquetColumn(NamedTuple):
    """One column: its name, the name of its Arrow type, and what is in it. Null: not known."""

    name: str
    type: str
    meaning: str


COLUMNS: Final = (
    ParquetColumn("trace_id", "text", "32 lower-case hexadecimal digits"),
    ParquetColumn("span_id", "uint64", "id, big-endian"),
    ParquetColumn("parent_id", "uint64", "id of the parent, 0 for a root"),
    ParquetColumn("parent_trace_id", "string", "trace of a parent that a link names"),
    ParquetColumn("parent_link_id", "string", "id, hexadecimal, of a parent that a link names"),
    ParquetColumn("name", "text", "name of the span"),
    ParquetColumn("start_ns", "int64", "epoch ns, 0 where missing"),
    ParquetColumn("end_ns", "int64", "epoch ns, 0 where missing"),
    ParquetColumn("adopted", "bool", "read from what a dead process left open"),
    # What `SharedAttributes` says.
    ParquetColumn("kind", "int8", "0 a real span, 1 a summary, 2 an exemplar"),
    ParquetColumn("category", "text", "rbtrace.category, or empty"),
    ParquetColumn("thread", "text", "thread.id, or empty"),
    # What `Origin` says, with what the span's own attributes change of it.
    ParquetColumn("host", "text", "host.name, or empty"),
    ParquetColumn("pid", "int64", "process.pid"),
    ParquetColumn("instance", "text", "service.instance.id, or empty"),
    ParquetColumn("service", "text", "service.name, or empty"),
    ParquetColumn("run_id", "text", "rbtrace.run.id, or empty"),
    ParquetColumn("arm", "text", "rbtrace.arm"),
    ParquetColumn("pair", "int64", "rbtrace.pair"),
    ParquetColumn("order", "int64", "rbtrace.order"),
    # What `OwnAttributes` says.
    ParquetColumn("trial", "int64", "rustybt.trial.number"),
    ParquetColumn("score", "double", "rustybt.trial.score"),
    ParquetColumn("cpu_ns", "int64", "rbtrace.cpu_ns"),
    ParquetColumn("runqueue_ns", "int64", "rbtrace.runqueue_ns"),
    ParquetColumn("workers", "int64", "rustybt.workers"),
    ParquetColumn("spans_ended", "int64", "rbtrace.process.spans_ended"),
    ParquetColumn("fingerprint", "string", "rustybt.result.fingerprint"),
    # What `Summary` says; null in all rows but those of summaries.
    ParquetColumn("calls", "int64", "number of calls"),
    ParquetColumn("total_ns", "int64", "sum of the calls' durations"),
    ParquetColumn("shortest_ns", "int64", "shortest call"),
    ParquetColumn("longest_ns", "int64", "longest call"),
    ParquetColumn("self_ns", "int64", "total minus time in traced children"),
    ParquetColumn("last_end_ns", "int64", "end of the last call, epoch ns"),
    ParquetColumn("bucket_ns", "int64s", "representative duration of each occupied bucket"),
    ParquetColumn("bucket_calls", "int64s", "calls in each occupied bucket"),
)


def arrow_schema(metadata: dict[bytes, bytes] | None = None) -> Any:
    """The columns as a `pyarrow.Schema`; texts are dictionaries, as many rows share them.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pa = import_pyarrow()
    types = {
        "text": pa.dictionary(pa.int32(), pa.string()),
        "string": pa.string(),
        "uint64": pa.uint64(),
        "int64": pa.int64(),
        "int8": pa.int8(),
        "bool": pa.bool_(),
        "double": pa.float64(),
        "int64s": pa.list_(pa.int64()),
    }
    fields = [pa.field(column.name, types[column.type]) for column in COLUMNS]
    return pa.schema(fields, {VERSION_KEY: VERSION.encode(), **(metadata or {})})


def import_pyarrow() -> Any:
    """`pyarrow`, or the error that says how to get it.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet  # noqa: PLC0415 - makes `pyarrow.parquet` an attribute
    except ImportError:
        raise MissingExtraError("parquet", "reading and writing Parquet") from None
    return pa


_MAGIC: Final = b"PAR1"
_BATCH_ROWS: Final = 1 << 16
_SHARED: Final = tuple(name for name in SharedAttributes._fields if name != "moved")
"""Fields of `SharedAttributes` that are columns; `moved` changes those of the origin."""
OWN_COLUMNS: Final = tuple(
    name for name in OwnAttributes._fields if name not in {"summary", "parent_link"}
)
SUMMARY_COLUMNS: Final = (
    "calls", "total_ns", "shortest_ns", "longest_ns", "self_ns", "last_end_ns",
)  # fmt: skip
"""Columns of `SpanBatch.figures`."""


def recognises(head: bytes) -> bool:
    """Whether a stream that begins like this is a Parquet file."""
    return head.startswith(_MAGIC)


def read(
    stream: BufferedReader, into: Builder, faults: ReadFaults, on_bytes: Callable[[int], None]
) -> None:
    """Read all rows; see `rbtrace.analysis.loading.ReadInto`.

    Raises:
        InputError: it is damaged, or not a Parquet file of spans.
        MissingExtraError: pyarrow is not installed.
    """
    pa = import_pyarrow()
    content = stream.read()
    on_bytes(len(content))
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(content))
        _check(file.schema_arrow)
        _count(file.metadata.metadata, faults)
        for batch in file.iter_batches(_BATCH_ROWS, columns=[column.name for column in COLUMNS]):
            into.add_batch(_batch(batch, into))
    except (pa.ArrowException, OSError, msgspec.MsgspecError, ValueError) as problem:
        raise InputError(f"it is a damaged Parquet file: {_first_line(problem)}") from None


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]


def _check(schema: Any) -> None:
    version = (schema.metadata or {}).get(VERSION_KEY)
    if version != VERSION.encode():
        raise InputError(
            "it is a Parquet file, but not one of spans: write one with rbtrace export --parquet"
        )
    expected = arrow_schema()
    for field in expected:
        if field.name not in schema.names or schema.field(field.name).type != field.type:
            raise InputError(f"it is a Parquet file of spans without the column {field.name}")


def _count(metadata: dict[bytes, bytes], faults: ReadFaults) -> None:
    counted = msgspec.json.decode(metadata.get(COUNTS_KEY, b"{}"), type=SourceCounts)
    faults.invalid_lines += counted.invalid_lines
    faults.truncated_lines += counted.truncated_lines
    faults.unclean += counted.unclean
    faults.tallies += counted.tallies


def _batch(batch: Any, into: Builder) -> SpanBatch:
    own = _any_valid(batch, (*OWN_COLUMNS, "parent_link_id"))
    of_own = batch.take(own).select([*OWN_COLUMNS, "parent_trace_id", "parent_link_id"]).to_pylist()
    rows = _any_valid(batch, ("calls",))
    summaries = batch.take(rows)
    return SpanBatch(
        Columns(
            _interned(batch.column("trace_id"), into.traces),
            _numbers(batch, "span_id").astype(np.uint64),
            _numbers(batch, "parent_id").astype(np.uint64),
            _numbers(batch, "start_ns"),
            _numbers(batch, "end_ns"),
            _interned(batch.column("name"), into.names),
            _combined(batch, Origin._fields, lambda *values: into.origins[_origin(*values)]),
            _combined(batch, _SHARED, lambda *values: into.shared[_shared_attributes(*values)]),
            batch.column("adopted").fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003
            | into.adopting,
        ),
        {row: _own_attributes(values) for row, values in zip(own.tolist(), of_own, strict=True)},
        rows,
        np.stack([_numbers(summaries, name) for name in SUMMARY_COLUMNS], axis=1),
        _buckets(summaries),
    )


def _any_valid(batch: Any, names: tuple[str, ...]) -> Ints:
    """Rows in which one of the columns is not null."""
    valid = np.zeros(batch.num_rows, np.bool_)
    for name in names:
        valid |= batch.column(name).is_valid().to_numpy(zero_copy_only=False)
    return np.flatnonzero(valid)


def _numbers(batch: Any, name: str) -> Ints:
    """A column of whole numbers; 0 for null."""
    numbers: Ints = batch.column(name).fill_null(0).to_numpy(zero_copy_only=False)
    return numbers


def _encoded(column: Any) -> tuple[Ints, list[Any]]:
    """A column as positions in a list of its values; null is the last of them."""
    encoded = column if hasattr(column, "dictionary") else column.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    positions = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return positions.astype(np.int64), [*values, None]


def _interned(column: Any, interner: Interner[str]) -> Codes:
    """A column of texts as codes of an interner; only texts that occur get one."""
    positions, values = _encoded(column)
    used, inverse = np.unique(positions, return_inverse=True)
    codes = [interner[values[at] or ""] for at in used.tolist()]
    return np.array(codes, np.int32)[inverse]


def _combined(batch: Any, names: tuple[str, ...], code_of: Callable[..., int]) -> Codes:
    """Codes of what several columns say together, which few rows do differently."""
    encoded = [_encoded(batch.column(name)) for name in names]
    group = np.zeros(batch.num_rows, np.int64)
    for positions, values in encoded:
        _, group = np.unique(group * len(values) + positions, return_inverse=True)
    _, first = np.unique(group, return_index=True)
    codes = [
        code_of(*(values[positions[row]] for positions, values in encoded))
        for row in first.tolist()
    ]
    return np.array(codes, np.int32)[group]


def _origin(*values: Any) -> Origin:
    host, pid, instance, service, run_id, *rest = values
    return Origin(host or "", pid, instance or "", service or "", run_id or "", *rest)


def _shared_attributes(
    kind: int | None, category: str | None, thread: str | None
) -> SharedAttributes:
    return SharedAttributes(kind or 0, category or "", thread or "")


def _own_attributes(values: dict[str, Any]) -> OwnAttributes:
    link = values.pop("parent_trace_id"), values.pop("parent_link_id")
    return OwnAttributes(**values, parent_link=link if None not in link else None)


def _buckets(summaries: Any) -> Buckets:
    lists = summaries.column("bucket_ns"), summaries.column("bucket_calls")
    counts, same = (bucket_list.value_lengths().fill_null(0).to_numpy() for bucket_list in lists)
    if not np.array_equal(counts, same):
        raise InputError("it is a damaged Parquet file: its histograms do not fit together")
    owner = np.repeat(np.arange(counts.size), counts)
    middle, calls = (bucket_list.flatten().to_numpy(zero_copy_only=False) for bucket_list in lists)
    return Buckets(owner, middle.astype(np.int64), calls.astype(np.int64))
