"""DuckDB on a Parquet file of spans, for those that do not fit in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from rbtrace.analysis.loading import ReadReport
from rbtrace.analysis.results import Results
from rbtrace.analysis.sql.engine import IMPLICIT
from rbtrace.analysis.sql.results import evaluate_in
from rbtrace.conventions import THREAD, UNATTACHED
from rbtrace.errors import MissingExtraError, RbtraceError

_DUCKDB_FRACTION: Final = 0.5
"""DuckDB's part of the memory limit: Python, and what DuckDB does not count, need the rest."""


def import_duckdb() -> Any:
    """`duckdb`, or the error that says how to get it.

    Raises:
        MissingExtraError: duckdb is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("sql", "analyzing more spans than fit in memory") from None
    return duckdb


class DuckDB:
    """A database over a Parquet file of spans; see `rbtrace.analysis.sql.engine.Engine`.

    Args:
        spans: the file, as `rbtrace export --parquet` writes it.
        folder: for the database, and what does not fit in memory.
        limit: memory that may be used, bytes.

    Raises:
        MissingExtraError: duckdb is not installed.
        RbtraceError: the disk is full, or the memory too small; from every method.
    """

    name = "DuckDB"

    def __init__(self, spans: Path, folder: Path, limit: int) -> None:
        duckdb = import_duckdb()
        self._error: type[Exception] = duckdb.Error
        self._folder = folder
        self._database = duckdb.connect(
            str(folder / "spans.duckdb"),
            config={
                "memory_limit": f"{int(limit * _DUCKDB_FRACTION) >> 10}KiB",
                "temp_directory": str(folder / "spilled"),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
            },
        )
        file = str(spans).replace("'", "''")
        self._run("create view file as select * from " + _FILE.replace("FILE", file))
        self._run("create view records as " + _RECORDS)
        self._run("create view buckets as " + _BUCKETS)

    def make(self, table: str, query: str) -> None:
        """See `Engine`."""
        self._run(f"create table next_{table} as {query}")
        self._run(f"drop table if exists {table}")
        self._run(f"alter table next_{table} rename to {table}")

    def add(self, table: str, query: str) -> None:
        """See `Engine`."""
        self._run(f"insert into {table} {query}")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """See `Engine`."""
        rows: list[tuple[Any, ...]] = self._run(query).fetchall()
        return rows

    def quotient(self, of: str, by: str) -> str:
        """See `Engine`."""
        return f"({of}) // ({by})"

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _run(self, statement: str) -> Any:
        try:
            return self._database.execute(statement)
        except self._error as problem:
            message = str(problem).partition("\n")[0]
            raise RbtraceError(
                f"DuckDB cannot go on in {self._folder}: {message}; give it more with "
                "--memory-limit, or another folder with TMPDIR"
            ) from None


def evaluate_spilled(
    file: Path, how_read: ReadReport, limit: int, *, full: bool = False, only: str | None = None
) -> Results:
    """Analyze spans in a file.

    Args:
        file: the Parquet file.
        how_read: how its spans were read.
        limit: memory that may be used, bytes.
        full: make the timeline and histograms as well.
        only: a filter: which spans count in breakdowns and trials.

    Raises:
        RbtraceError: the disk is full, or the memory too small.
    """
    size = f"{limit / 1e9:.3g} GB"
    with closing(DuckDB(file, file.parent, limit)) as engine:
        how = f"by {engine.name} on disk, because the spans take more memory than {size}"
        return evaluate_in(engine, how_read, how, full=full, only=only)


_FILE: Final = "read_parquet('FILE', file_row_number = true)"

_RECORDS: Final = f"""
select
  file_row_number + 1 as id,
  ('0x' || trace_id)::uhugeint as trace,
  trace_id as trace_text,
  span_id,
  case when parent_trace_id is null then ('0x' || trace_id)::uhugeint
    when parent_trace_id = '' then 0::uhugeint
    else ('0x' || parent_trace_id)::uhugeint end as link_trace,
  case when parent_link_id is null then parent_id
    when parent_link_id = '' then 0::ubigint
    else ('0x' || parent_link_id)::ubigint end as parent_id,
  parent_id as own_parent_id,
  case when kind = 0 and (
      name = '{UNATTACHED}' or name = '{THREAD}' and category = '' and run_id <> ''
    ) then {IMPLICIT} else kind end as kind,
  name, category, thread, start_ns, end_ns, adopted,
  host || chr(31) || coalesce(pid::varchar, '') || chr(31) || instance || chr(31) || service
    as process_key,
  case when run_id <> '' then 'run ' || run_id else 'trace ' || trace_id end as run_key,
  host, pid, instance, service, run_id, arm, pair, "order" as run_order,
  trial, score, cpu_ns, runqueue_ns, workers, spans_ended,
  calls, total_ns, shortest_ns, longest_ns, self_ns as own_ns, last_end_ns
from file
"""

_BUCKETS: Final = """
select file_row_number + 1 as id, unnest(bucket_ns) as ns, unnest(bucket_calls) as calls
from file where calls is not null
"""
