"""The columns of a Parquet file of spans: what is written and read, in one place.

One row is one span as a reader found it, before anything is joined or settled, so that analyzing
the file gives what analyzing its sources gave: duplicates, missing ends and all. Which lines could
not be read, and what the processes counted, stand in the metadata of the file.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rbtrace.errors import MissingExtraError

VERSION: Final = "1"
VERSION_KEY: Final = b"rbtrace.parquet.version"
"""Key of the file's metadata that says which version of these columns it has."""
COUNTS_KEY: Final = b"rbtrace.parquet.counts"
"""Key of the file's metadata with what was counted, as JSON (see `Counted`)."""


class Column(NamedTuple):
    """One column: its name, the name of its Arrow type, and what is in it. Null: not known."""

    name: str
    type: str
    meaning: str


COLUMNS: Final = (
    Column("trace_id", "text", "32 lower-case hexadecimal digits"),
    Column("span_id", "uint64", "id, big-endian"),
    Column("parent_id", "uint64", "id of the parent, 0 for a root"),
    Column("parent_trace_id", "string", "trace of a parent that a link names"),
    Column("parent_link_id", "string", "id, hexadecimal, of a parent that a link names"),
    Column("name", "text", "name of the span"),
    Column("start_ns", "int64", "epoch ns, 0 where missing"),
    Column("end_ns", "int64", "epoch ns, 0 where missing"),
    Column("adopted", "bool", "read from what a dead process left open"),
    # What `Facts` says.
    Column("kind", "int8", "0 a real span, 1 a summary, 2 an exemplar"),
    Column("category", "text", "rbtrace.category, or empty"),
    Column("thread", "text", "thread.id, or empty"),
    # What `Origin` says, with what the span's own attributes change of it.
    Column("host", "text", "host.name, or empty"),
    Column("pid", "int64", "process.pid"),
    Column("instance", "text", "service.instance.id, or empty"),
    Column("service", "text", "service.name, or empty"),
    Column("run_id", "text", "rbtrace.run.id, or empty"),
    Column("arm", "text", "rbtrace.arm"),
    Column("pair", "int64", "rbtrace.pair"),
    Column("order", "int64", "rbtrace.order"),
    # What `Extra` says.
    Column("trial", "int64", "rustybt.trial.number"),
    Column("score", "double", "rustybt.trial.score"),
    Column("cpu_ns", "int64", "rbtrace.cpu_ns"),
    Column("runqueue_ns", "int64", "rbtrace.runqueue_ns"),
    Column("workers", "int64", "rustybt.workers"),
    Column("spans_ended", "int64", "rbtrace.process.spans_ended"),
    Column("fingerprint", "string", "rustybt.result.fingerprint"),
    # What `Summary` says; null in all rows but those of summaries.
    Column("calls", "int64", "number of calls"),
    Column("total_ns", "int64", "sum of the calls' durations"),
    Column("shortest_ns", "int64", "shortest call"),
    Column("longest_ns", "int64", "longest call"),
    Column("self_ns", "int64", "total minus time in traced children"),
    Column("last_end_ns", "int64", "end of the last call, epoch ns"),
    Column("bucket_ns", "int64s", "representative duration of each occupied bucket"),
    Column("bucket_calls", "int64s", "calls in each occupied bucket"),
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
