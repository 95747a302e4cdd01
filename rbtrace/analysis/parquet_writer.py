"""Write spans to a Parquet file, in row groups, as they are read; see `readers.parquet`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np

from rbtrace.analysis.attributes import Origin, SharedAttributes
from rbtrace.analysis.columns import Builder, SpanBatch, parse_id
from rbtrace.analysis.loading import Progress, ReadReport, read_spans, why_no_spans
from rbtrace.analysis.readers.parquet import (
    COUNTS_KEY,
    OWN_COLUMNS,
    SUMMARY_COLUMNS,
    arrow_schema,
    import_pyarrow,
)
from rbtrace.analysis.sources import SourceCounts
from rbtrace.errors import InputError, RbtraceError

_ROWS: Final = 1 << 18
"""Spans in a row group, at least: what is in memory at a time."""


def export(paths: Iterable[str | Path], target: Path, progress: Progress | None = None) -> int:
    """Write all spans to a Parquet file, which appears under its name when it is complete.

    Returns:
        How many spans were written.

    Raises:
        InputError: nothing could be read; the message says what and why.
        MissingExtraError: pyarrow is not installed.
        RbtraceError: the file cannot be written.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    builder = Builder()
    try:
        with SpanWriter(partial) as writer:

            def advance(read_bytes: int, total_bytes: int) -> None:
                writer.take(builder, _ROWS)
                if progress is not None:
                    progress(read_bytes, total_bytes)

            report = read_spans(paths, builder, advance)
            writer.take(builder)
            if not writer.written:
                raise InputError(why_no_spans(report))
            writer.add_metadata(COUNTS_KEY, msgspec.json.encode(_counted(report)))
        partial.replace(target)
    except OSError as problem:
        raise RbtraceError(f"cannot write {target}: {problem.strerror or problem}") from None
    finally:
        partial.unlink(missing_ok=True)
    return writer.written


class SpanWriter:
    """Writes a Parquet file of spans, a row group each time; a context manager.

    Args:
        target: the file.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OSError: the file cannot be written; from every method.
    """

    def __init__(self, target: Path) -> None:
        parquet = import_pyarrow().parquet
        self._writer = parquet.ParquetWriter(target, arrow_schema(), compression="zstd")
        self.written = 0

    def take(self, builder: Builder, minimum: int = 1) -> None:
        """Take spans from the builder, in row groups, while it holds `minimum` or more."""
        while builder.rows >= minimum:
            batch = builder.take(_ROWS)
            self.written += batch.columns.trace.size
            self._writer.write_table(_rows(batch, builder))

    def add_metadata(self, key: bytes, text: bytes) -> None:
        """Add an entry to the metadata of the file."""
        self._writer.add_key_value_metadata({key: text})

    def close(self) -> None:
        """Write the index of the file, without which it cannot be read."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()


def _counted(report: ReadReport) -> SourceCounts:
    return SourceCounts(
        report.faults.invalid_lines,
        report.faults.truncated_lines,
        report.faults.unclean + len(report.sidecars.adoptable),
        report.sidecars.tallies,
    )


def _rows(batch: SpanBatch, builder: Builder) -> Any:
    pa = import_pyarrow()
    columns = batch.columns
    values = {
        "trace_id": _dictionary(columns.trace, builder.traces.values_by_code),
        "span_id": pa.array(columns.span_id),
        "parent_id": pa.array(columns.parent_id),
        "name": _dictionary(columns.name, builder.names.values_by_code),
        "start_ns": pa.array(columns.start),
        "end_ns": pa.array(columns.end),
        "adopted": pa.array(columns.adopted),
        **_of_shared_attributes(columns.shared, builder.shared.values_by_code),
        **_of_origins(batch, builder),
        **_of_own_attributes(batch),
        **_of_summaries(batch),
    }
    schema = arrow_schema()
    return pa.Table.from_arrays(
        [values[field.name].cast(field.type) for field in schema], schema=schema
    )


def _dictionary(codes: Any, texts: list[Any]) -> Any:
    """A column of texts from codes; only texts that occur are kept. None becomes null."""
    pa = import_pyarrow()
    used, position = np.unique(codes, return_inverse=True)
    distinct = pa.array([texts[code] for code in used.tolist()], pa.string())
    return distinct.dictionary_encode().take(pa.array(position))


def _numbers(values: list[int | None], codes: Any, kind: str) -> Any:
    pa = import_pyarrow()
    return pa.array(values, getattr(pa, kind)()).take(pa.array(codes))


def _of_shared_attributes(codes: Any, shared: list[SharedAttributes]) -> dict[str, Any]:
    return {
        "kind": _numbers([attributes.kind for attributes in shared], codes, "int8"),
        "category": _dictionary(codes, [attributes.category for attributes in shared]),
        "thread": _dictionary(codes, [attributes.thread for attributes in shared]),
    }


def _of_origins(batch: SpanBatch, builder: Builder) -> dict[str, Any]:
    """The origin of each span, with the fields that its own attributes change."""
    origins, shared = builder.origins.values_by_code, builder.shared.values_by_code
    pairs = batch.columns.origin.astype(np.int64) * len(shared) + batch.columns.shared
    distinct, codes = np.unique(pairs, return_inverse=True)
    changed = [
        origins[pair // len(shared)]._replace(**dict(shared[pair % len(shared)].moved))
        for pair in distinct.tolist()
    ]
    numeric = {"pid", "pair", "order"}
    return {
        name: _numbers([getattr(origin, name) for origin in changed], codes, "int64")
        if name in numeric
        else _dictionary(codes, [getattr(origin, name) for origin in changed])
        for name in Origin._fields
    }


def _of_own_attributes(batch: SpanBatch) -> dict[str, Any]:
    pa = import_pyarrow()
    schema = arrow_schema()
    rows = np.array(list(batch.own_attributes), np.int64)
    own_attributes = list(batch.own_attributes.values())
    links = [_canonical(own.parent_link) for own in own_attributes]
    columns: dict[str, list[Any]] = {
        **{name: [getattr(own, name) for own in own_attributes] for name in OWN_COLUMNS},
        "parent_trace_id": [trace for trace, _ in links],
        "parent_link_id": [span for _, span in links],
    }
    position = _positions(rows, batch.columns.trace.size)
    return {
        name: pa.array(values, schema.field(name).type).take(position)
        for name, values in columns.items()
    }


def _canonical(link: tuple[str, str] | None) -> tuple[str | None, str | None]:
    """Trace and span of a link in lower-case hexadecimal, "" where it is no id; None for none."""
    return (parse_id(link[0], 32), parse_id(link[1], 16)) if link else (None, None)


def _of_summaries(batch: SpanBatch) -> dict[str, Any]:
    pa = import_pyarrow()
    position = _positions(batch.summary_rows, batch.columns.trace.size)
    order = np.argsort(batch.buckets.summary, kind="stable")
    per_summary = np.bincount(batch.buckets.summary, minlength=batch.summary_rows.size)
    offsets = pa.array(np.concatenate(([0], np.cumsum(per_summary))).astype(np.int32))
    lists = {"bucket_ns": batch.buckets.middle_ns, "bucket_calls": batch.buckets.calls}
    return {
        **{
            name: pa.array(figures).take(position)
            for name, figures in zip(SUMMARY_COLUMNS, batch.figures.T, strict=True)
        },
        **{
            name: pa.ListArray.from_arrays(offsets, pa.array(values[order])).take(position)
            for name, values in lists.items()
        },
    }


def _positions(rows: Any, size: int) -> Any:
    """For each span its position among `rows`, null where it is not there."""
    pa = import_pyarrow()
    position = np.full(size, -1, np.int64)
    position[rows] = np.arange(rows.size)
    return pa.array(position, mask=position < 0)
