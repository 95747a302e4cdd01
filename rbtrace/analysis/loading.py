"""Loading a table from paths: expand, read, adopt the open spans of dead processes, assemble."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rbtrace.analysis.assembly import build
from rbtrace.analysis.columns import Builder, keep_freed_memory
from rbtrace.analysis.readers import read
from rbtrace.analysis.readers.interface import ReadFaults
from rbtrace.analysis.sidecars import Sidecars, read_sidecars
from rbtrace.analysis.sources import expand
from rbtrace.analysis.table import SpanTable
from rbtrace.errors import InputError

Progress = Callable[[int, int], None]
"""Told the bytes read so far and the bytes there are."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table, and the report of how it was read."""

    table: SpanTable
    faults: ReadFaults
    sidecars: Sidecars


def load(paths: Iterable[str | Path], progress: Progress | None = None) -> Loaded:
    """Read spans.

    Args:
        paths: files, folders, globs, or `-`.
        progress: called as reading goes on.

    Raises:
        InputError: nothing could be read; the message says what and why.
    """
    keep_freed_memory()
    builder = Builder()
    report = read_spans(paths, builder, progress or (lambda _done, _everything: None))
    table = build(builder)
    if not table.size:
        raise InputError(why_no_spans(report))
    return Loaded(table, report.faults, report.sidecars)


class ReadReport(NamedTuple):
    """How paths were read: faults and sidecar files; `traces` counts the trace files."""

    named: list[str]
    traces: int
    faults: ReadFaults
    sidecars: Sidecars


def read_spans(paths: Iterable[str | Path], into: Builder, progress: Progress) -> ReadReport:
    """Read spans into a builder; `progress` may take from it what is there.

    Raises:
        InputError: something could not be read; the message says what and why.
    """
    named = [str(path) for path in paths]
    inputs = expand(named)
    sidecars = read_sidecars(inputs.sources, inputs.folders)
    faults = ReadFaults()
    everything = sum(source.size for source in inputs.sources)
    done = 0

    def seen(count: int) -> None:
        nonlocal done
        done += count
        progress(done, everything)

    traces = 0
    before = None
    for source in inputs.sources:
        if before is None or not source.continues(before):
            faults.nothing_follows()
        traces += read(source, into, faults, seen)
        before = source
    faults.nothing_follows()
    into.adopting = True
    for source in sidecars.adoptable:
        read(source, into, faults, lambda _count: None)
        faults.nothing_follows()
    faults.invalid_lines += into.invalid_spans
    sidecars.tallies.extend(faults.tallies)
    return ReadReport(named, traces, faults, sidecars)


def why_no_spans(report: ReadReport) -> str:
    """Why there are no spans, in one line."""
    named, traces, faults, sidecars = report
    where = ", ".join(named)
    if sidecars.running:
        return f"no spans in {where} yet: {', '.join(sidecars.running)} is still running"
    if faults.invalid_lines or faults.truncated_lines:
        return (
            f"no readable span in {where}: {faults.invalid_lines} invalid and "
            f"{faults.truncated_lines} truncated lines"
        )
    if traces:
        return f"no spans in {where}"
    return f"no trace files in {where}: expected OTLP, Jaeger JSON or Parquet; see docs/formats.md"
