"""From paths to a table: expand, read, adopt what dead processes left open, assemble."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rbtrace.analysis.assembly import build
from rbtrace.analysis.columns import Builder, keep_freed_memory
from rbtrace.analysis.readers import read
from rbtrace.analysis.readers.interface import Faults
from rbtrace.analysis.sidecars import Beside, look_beside
from rbtrace.analysis.sources import expand
from rbtrace.analysis.table import SpanTable
from rbtrace.errors import InputError

Progress = Callable[[int, int], None]
"""Told the bytes read so far and the bytes there are."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table and what there is to say about how it was read."""

    table: SpanTable
    faults: Faults
    beside: Beside


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
    found = read_spans(paths, builder, progress or (lambda _done, _everything: None))
    table = build(builder)
    if not table.size:
        raise InputError(nothing(found))
    return Loaded(table, found.faults, found.beside)


class Read(NamedTuple):
    """What there is to say about how paths were read; `traces` counts the trace files."""

    named: list[str]
    traces: int
    faults: Faults
    beside: Beside


def read_spans(paths: Iterable[str | Path], into: Builder, progress: Progress) -> Read:
    """Read spans into a builder; `progress` may take from it what is there.

    Raises:
        InputError: something could not be read; the message says what and why.
    """
    named = [str(path) for path in paths]
    inputs = expand(named)
    beside = look_beside(inputs.sources, inputs.folders)
    faults = Faults()
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
    for source in beside.adoptable:
        read(source, into, faults, lambda _count: None)
        faults.nothing_follows()
    faults.invalid_lines += into.invalid_spans
    beside.tallies.extend(faults.tallies)
    return Read(named, traces, faults, beside)


def nothing(found: Read) -> str:
    """Why there are no spans, in one line."""
    named, traces, faults, beside = found
    where = ", ".join(named)
    if beside.running:
        return f"no spans in {where} yet: {', '.join(beside.running)} is still running"
    if faults.invalid_lines or faults.truncated_lines:
        return (
            f"no readable span in {where}: {faults.invalid_lines} invalid and "
            f"{faults.truncated_lines} truncated lines"
        )
    if traces:
        return f"no spans in {where}"
    return f"no trace files in {where}: expected OTLP, Jaeger JSON or Parquet; see docs/formats.md"
