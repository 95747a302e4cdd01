"""`rbtrace.analyze`: an analysis as one object, with frames and reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.breakdowns import FunctionTime, OperationTime
from rbtrace.analysis.critical_path import CriticalTime
from rbtrace.analysis.integrity import Integrity
from rbtrace.analysis.loading import Progress
from rbtrace.analysis.paths import CallPathTime
from rbtrace.analysis.regions import RegionWorker
from rbtrace.analysis.results import Results
from rbtrace.profiling.flamegraph.functions import with_functions
from rbtrace.reporting.formats import render
from rbtrace.reporting.frames import frame
from rbtrace.reporting.model import Options

if TYPE_CHECKING:
    import pandas as pd


class Analysis:
    """What the time of some traces was spent on.

    The frames have one column per field of a row, as in the JSON report; times are integer
    nanoseconds, shares fractions. `docs/frames.md` lists columns and dtypes.
    """

    def __init__(self, results: Results) -> None:
        self.results = results

    @property
    def integrity(self) -> Integrity:
        """Whether all spans are there, and what was amiss with them."""
        return self.results.integrity

    @property
    def operations(self) -> pd.DataFrame:
        """All calls of one name per row, the greatest self time first."""
        return frame(self.results.operations, OperationTime)

    @property
    def paths(self) -> pd.DataFrame:
        """All calls reached by the same names per row, parents before children."""
        return frame(self.results.paths, CallPathTime)

    @property
    def workers(self) -> pd.DataFrame:
        """One process in one parallel region per row."""
        return frame(self.results.workers, RegionWorker)

    @property
    def critical_path(self) -> pd.DataFrame:
        """One operation in one process on the critical path of one root per row."""
        return frame(self.results.critical_path, CriticalTime)

    @property
    def functions(self) -> pd.DataFrame:
        """One function per row, from stack samples, the greatest self time first."""
        return frame(self.results.functions, FunctionTime)

    def to_markdown(self, **options: Any) -> str:
        """The report as Markdown; options are fields of `rbtrace.reporting.model.Options`."""
        return render(self.results, "markdown", replace(Options(), **options))

    def to_html(self, **options: Any) -> str:
        """The report as a page of its own; options as in `to_markdown`."""
        return render(self.results, "html", replace(Options(), **options))

    def to_json(self) -> str:
        """Everything, as the JSON document of `rbtrace analyze --format json`."""
        return render(self.results, "json", Options())

    def _repr_html_(self) -> str:
        from rbtrace.reporting.html import render_part  # noqa: PLC0415 - notebooks only

        return render_part(self.results, Options())

    def __repr__(self) -> str:
        return (
            f"<Analysis of {self.integrity.spans} spans, {len(self.results.operations)} operations>"
        )


def analyze(
    paths: str | Path | Iterable[str | Path],
    *,
    only: str | None = None,
    full: bool = False,
    progress: Progress | None = None,
    memory_limit: int | None = None,
) -> Analysis:
    """Read traces and analyze them.

    Args:
        paths: a file, a folder (searched recursively), a glob, `-` for standard input, or several.
        only: a filter, as of `rbtrace analyze --filter`.
        full: make the timeline and the histograms as well.
        progress: called as spans are read.
        memory_limit: bytes that the spans may take; more are analyzed on disk by DuckDB. By
            default half of what is free.

    Raises:
        MissingExtraError: they take more, and DuckDB is not installed.
        InputError: nothing could be read; the message says what and why.
        FilterError: the filter cannot be understood; the message says where and why.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    results = analyze_paths(several, progress, full=full, only=only, memory_limit=memory_limit)
    return Analysis(with_functions(results, several))
