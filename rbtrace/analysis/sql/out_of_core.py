"""Analysis out of core: DuckDB on the file that the spans were written to."""

from __future__ import annotations

from contextlib import closing

from rbtrace.analysis.results import Results
from rbtrace.analysis.spilling import Spilled
from rbtrace.analysis.sql.duckdb import DuckDB
from rbtrace.analysis.sql.results import evaluate_in
from rbtrace.errors import InputError


def evaluate_spilled(
    spilled: Spilled, limit: int, *, full: bool = False, only: str | None = None
) -> Results:
    """Analyze spans in a file.

    Args:
        spilled: the file.
        limit: memory that may be used, bytes.
        full: name also what only a full report would have had.
        only: a filter.

    Raises:
        InputError: there is a filter.
        RbtraceError: the disk is full, or the memory too small.
    """
    size = f"{limit / 1e9:.3g} GB"
    if only is not None:
        raise InputError(
            f"a filter needs all spans in memory, and they take more than {size}: give more with "
            "--memory-limit, or name fewer files"
        )
    with closing(DuckDB(spilled.file, spilled.file.parent, limit)) as engine:
        how = f"by {engine.name} on disk, because the spans take more memory than {size}"
        return evaluate_in(engine, spilled.found, how, full=full)
