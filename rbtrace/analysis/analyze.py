"""Analyze paths: in memory, in DuckDB where the spans do not fit, or in a ClickHouse.

Reading begins in memory. As soon as there are more spans than the memory limit allows, these and
all that follow are written to a temporary Parquet file, which DuckDB analyzes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.analysis.assembly import build
from rbtrace.analysis.columns import Builder, SpanBatch, keep_freed_memory, return_freed_memory
from rbtrace.analysis.filtering import parse_filter
from rbtrace.analysis.loading import Loaded, Progress, ReadReport, read_spans, why_no_spans
from rbtrace.analysis.results import Results, evaluate
from rbtrace.analysis.sources import is_clickhouse
from rbtrace.errors import InputError, RbtraceError, SettingError

BYTES_PER_SPAN: Final = 150
"""Peak memory per span while the table is made and analyzed, bytes."""
LEAST_LIMIT: Final = 1 << 28
"""The smallest limit, bytes: DuckDB needs as much for its own buffers."""
_FREE_FRACTION: Final = 0.5
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_ROWS: Final = 1 << 18


class SpilledSpans(NamedTuple):
    """Spans in a Parquet file, and the report of how they were read."""

    file: Path
    report: ReadReport


def parse_limit(text: str) -> int:
    """A memory limit in bytes, from text such as `500MB`, `1.5GB` or `2GiB`.

    Raises:
        SettingError: it is not of that form, or too small.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip(), re.IGNORECASE)
    if match is None or (match[3] and not match[2]):
        raise SettingError(f"the memory limit {text!r} is no size: write it as 500MB or 2GB")
    power = list(_UNITS).index(match[2].lower())
    size = int(float(match[1]) * (1024**power if match[3] else 1000**power))
    if size < LEAST_LIMIT:
        raise SettingError(f"the memory limit {text!r} is too small: give at least 256MiB")
    return size


def free_limit() -> int:
    """The limit where none was given: half of the memory that is free, bytes."""
    import psutil  # noqa: PLC0415 - slow to import

    return max(LEAST_LIMIT, int(psutil.virtual_memory().available * _FREE_FRACTION))


def analyze_paths(
    paths: Iterable[str | Path],
    progress: Progress | None = None,
    *,
    full: bool = False,
    only: str | None = None,
    memory_limit: int | None = None,
) -> Results:
    """Read and analyze; see `read_within` and `evaluate` for arguments and errors.

    Spans that take more memory than the limit (bytes; by default half of what is free) are
    analyzed out of core.
    """
    if only is not None:
        parse_filter(only)  # before anything is read
    named = [str(path) for path in paths]
    if len(named) == 1 and is_clickhouse(named[0]):
        from rbtrace.analysis.sql.clickhouse import evaluate_clickhouse  # noqa: PLC0415 - few need it

        return evaluate_clickhouse(named[0], full=full, only=only)
    limit = free_limit() if memory_limit is None else memory_limit
    with read_within(named, progress, limit) as spans:
        if isinstance(spans, Loaded):
            return evaluate(spans, full=full, only=only)
        from rbtrace.analysis.sql.duckdb import evaluate_spilled  # noqa: PLC0415 - few need it

        return evaluate_spilled(spans.file, spans.report, limit, full=full, only=only)


@contextmanager
def read_within(
    paths: Iterable[str | Path], progress: Progress | None, limit: int
) -> Iterator[Loaded | SpilledSpans]:
    """Read spans into memory if they fit, otherwise into a file that is removed on exit.

    Args:
        paths: files, folders, globs, or `-`.
        progress: called as reading goes on.
        limit: memory that the spans may take, bytes.

    Raises:
        InputError: nothing could be read; the message says what and why.
        MissingExtraError: they do not fit, and DuckDB or pyarrow is not installed.
        RbtraceError: the file cannot be written.
    """
    keep_freed_memory()
    builder = _SpillingBuilder(limit // BYTES_PER_SPAN)
    try:
        report = read_spans(paths, builder, progress or (lambda _done, _everything: None))
        file = builder.finish()
        if file is not None:
            yield SpilledSpans(file, report)
            return
        table = build(builder)
        if not table.size:
            raise InputError(why_no_spans(report))
    finally:
        builder.close()
    yield Loaded(table, report.faults, report.sidecars)


class _SpillingBuilder(Builder):
    """A builder that writes spans to a file once it holds more than a limit."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._spill: _SpillFile | None = None

    def add_batch(self, batch: SpanBatch) -> None:
        super().add_batch(batch)
        if self._spill is None and self.rows > self._limit:
            self._spill = _SpillFile()
        if self._spill is not None:
            self._spill.take(self, _ROWS)

    def finish(self) -> Path | None:
        """Write the rest of the spans; the file, if there is one."""
        if self._spill is None:
            return None
        return self._spill.finish(self)

    def close(self) -> None:
        """Remove the file."""
        if self._spill is not None:
            self._spill.close()


class _SpillFile:
    """A Parquet file of spans in a temporary folder."""

    def __init__(self) -> None:
        from rbtrace.analysis.parquet_writer import SpanWriter  # noqa: PLC0415 - few need it
        from rbtrace.analysis.sql.duckdb import import_duckdb  # noqa: PLC0415

        import_duckdb()  # before the time it takes to read on is spent
        self._folder = tempfile.TemporaryDirectory(prefix="rbtrace-")
        self._file = Path(self._folder.name) / "spans.parquet"
        self._writer = SpanWriter(self._file)
        self._is_open = True

    def take(self, builder: Builder, minimum: int) -> None:
        """Take the spans that the builder holds, if it holds `minimum` or more."""
        try:
            self._writer.take(builder, minimum)
        except OSError as problem:
            raise RbtraceError(
                f"cannot write {self._file}: {problem.strerror or problem}; name another folder "
                "with TMPDIR, or give more with --memory-limit"
            ) from None

    def finish(self, builder: Builder) -> Path:
        """Take the rest of the spans, and close the file."""
        self.take(builder, 1)
        self._end()
        return_freed_memory()  # DuckDB has a heap of its own
        return self._file

    def close(self) -> None:
        """Remove the file."""
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self._writer.close()
