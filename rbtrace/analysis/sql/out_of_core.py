"""Analysis out of core: DuckDB on the file that the spans were written to."""

from __future__ import annotations

from contextlib import closing

from rbtrace.analysis.results import Results
from rbtrace.analysis.spilling import Spilled
from rbtrace.analysis.sql.duckdb import DuckDB
from rbtrace.analysis.sql.results import evaluate_in


def evaluate_spilled(
    spilled: Spilled, limit: int, *, full: bool = False, only: str | None = None
) -> Results:
    """Analyze spans in a file.

    Args:
        spilled: the file.
        limit: memory that may be used, bytes.
        full: make the timeline and histograms as well.
        only: a filter: which spans count in breakdowns and trials.

    Raises:
        RbtraceError: the disk is full, or the memory too small.
    """
    size = f"{limit / 1e9:.3g} GB"
    with closing(DuckDB(spilled.file, spilled.file.parent, limit)) as engine:
        how = f"by {engine.name} on disk, because the spans take more memory than {size}"
        return evaluate_in(engine, spilled.found, how, full=full, only=only)
