"""`rbtrace.analyze`: an analysis as one object, with frames and the report of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rbtrace.analysis.analyze import analyze_paths
from rbtrace.analysis.breakdowns import CallPathTime, OperationTime
from rbtrace.analysis.critical_path import CriticalTime
from rbtrace.analysis.integrity import Integrity
from rbtrace.analysis.loading import Progress
from rbtrace.analysis.parallel import RegionWorker
from rbtrace.analysis.results import FunctionTime, Results
from rbtrace.profiling.flamegraph.functions import with_functions
from rbtrace.reporting import tables
from rbtrace.reporting.formats import Reported, frame
from rbtrace.reporting.model import By, Options, Report
from rbtrace.reporting.numbers import count, duration, percent, ratio

if TYPE_CHECKING:
    import pandas as pd

_JSON_VERSION: Final = 1
"""Keys may be added, none renamed; shares are fractions, times integer ns."""
_FEW: Final = 8


class Analysis(Reported[Results]):
    """What the time of some traces was spent on.

    The frames have one column per field of a row, as in the JSON report; times are integer
    nanoseconds, shares fractions. `docs/frames.md` lists columns and dtypes.
    """

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

    def _report(self, options: Options) -> Report:
        return _compose(self.results, options)

    def _document(self) -> dict[str, Any]:
        """Every row is there, whatever the threshold."""
        return {"version": _JSON_VERSION, **msgspec.to_builtins(self.results)}

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
    sources = [paths] if isinstance(paths, str | Path) else list(paths)
    results = analyze_paths(sources, progress, full=full, only=only, memory_limit=memory_limit)
    return Analysis(with_functions(results, sources))


def _compose(results: Results, options: Options) -> Report:
    """Make the report; integrity opens it."""
    listed = [tables.breakdown(results, options)]
    if options.by is not By.CATEGORY and len(results.categories) > 1:
        listed.append(tables.by_category(results, options))
    if results.critical_path:
        listed.append(tables.critical_path(results, options))
    if results.regions:
        listed += [tables.regions(results), tables.workers(results)]
    if results.trials:
        listed.append(tables.trials(results, options))
    if results.functions:
        listed.append(tables.functions(results, options))
    if len(results.runs) > 1:
        listed.append(tables.runs(results, options))
    return Report(
        title="Where the time went",
        complete=results.integrity.complete,
        integrity=describe_integrity(results.integrity),
        figures=_figures(results),
        tables=listed,
        scope=_scope(results),
        warnings=results.warnings,
    )


def _scope(results: Results) -> str:
    """Where a database made the figures, and what a filter did to them."""
    computed = f"Computed {results.computed}. " if results.computed else ""
    if results.filter is None:
        return computed.rstrip()
    part = results.self_ns / max(1, results.filter.whole_self_ns)
    return (
        f"{computed}Only spans with {results.filter.expression}: {count(results.filter.spans)} of "
        f"{count(results.integrity.spans)}, {percent(part)} of all self time. Shares are of "
        "theirs; wall time, parallelism, critical path and regions are of the whole trace."
    )


def _figures(results: Results) -> list[tuple[str, str]]:
    return [
        ("wall time", duration(results.wall_ns)),
        ("self time", duration(results.self_ns)),
        ("parallelism", ratio(results.parallelism, "×")),
        ("overhead to computation", ratio(results.overhead_to_computation)),
        ("runs", count(len(results.runs))),
        ("processes", count(len(results.processes))),
    ]


def describe_integrity(integrity: Integrity) -> list[str]:
    """The opening of every report: complete or not, then what is amiss, one sentence each."""
    return [_completeness(integrity), *_by_process(integrity), *_defects(integrity)]


def _completeness(integrity: Integrity) -> str:
    spans = f"{count(integrity.spans)} spans were read"
    if integrity.summaries:
        spans += f", {count(integrity.summaries)} of them for {count(integrity.calls)} hot calls"
    if integrity.complete is None:
        return f"Completeness unknown: no process counted its spans. {spans}."
    if integrity.complete:
        return f"Complete: all spans that were ended are here. {spans}."
    return f"Incomplete. {spans}."


def _defects(integrity: Integrity) -> list[str]:
    lines = (
        (
            integrity.missing_spans,
            f"Missing, of {count(integrity.expected_spans)} spans that were ended",
        ),
        (integrity.dropped_spans, "Spans that the recorder had to drop"),
        (integrity.unfinished, "Spans without an end, which last until what was last seen in them"),
        (integrity.invalid_lines, "Invalid lines, left out"),
        (integrity.truncated_lines, "Lines that are cut off, left out"),
        (integrity.duplicates, "Spans that were there again, counted once"),
        (integrity.orphans, "Spans whose parent is not there, which count as roots"),
        (
            integrity.clipped,
            "Spans that reach beyond their parent in the same thread, clipped to it",
        ),
        (integrity.negative, "Spans that end before they start, which count as instantaneous"),
    )
    sentences = [f"{sentence}: {count(number)}." for number, sentence in lines if number]
    if integrity.clock_shifts:
        moved = [f"{name} ({duration(ns)})" for name, ns in integrity.clock_shifts.items()]
        sentences.append(f"Clocks that were behind their parent's, moved on: {_few(moved)}.")
    return sentences


def _by_process(integrity: Integrity) -> list[str]:
    """Which processes fall short, and which died: each by name, the first few of them."""
    lines = []
    if integrity.missing:
        short = [f"{name} ({count(number)})" for name, number in integrity.missing.items()]
        lines.append(f"Spans are missing of {_few(short)}.")
    if integrity.delivered_spans:
        lines.append(
            f"Taken by a collector: {count(integrity.delivered_spans)} of the missing spans; "
            "analyze what it wrote as well."
        )
    if integrity.died:
        lines.append(f"Died without closing their files: {_few(integrity.died)}.")
    return lines


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {count(len(names) - _FEW)} more"
