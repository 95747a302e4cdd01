"""Integrity: whether all recorded spans were read, and which of them were faulty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.loading import Loaded
from rbtrace.analysis.self_time import SelfTimes
from rbtrace.analysis.sources import ReadFaults, Sidecars
from rbtrace.analysis.table import Anomalies, SpanTable
from rbtrace.files.sidecars import Tally

type ProcessKey = tuple[str, int | None, str]
"""Host, pid and instance of a process, by which spans are counted."""


@dataclass(frozen=True, slots=True)
class Integrity:
    """Counts, in spans unless they say otherwise.

    `complete` is None if no process counted its spans. `missing_spans` were counted and not read;
    `missing` has their number by process. Of them, `delivered_spans` were accepted by a collector.
    `dropped_spans` were dropped by the recorder. `overfull` spans have summaries with more time
    than the span itself. `unclean` is the number of dead processes that did not close their files,
    `died` are their names; `running` are the names of running processes. `clock_shifts` are the
    shifts of the spans of processes, ns.
    """

    spans: int
    summaries: int
    calls: int
    expected_spans: int | None
    complete: bool | None
    duplicates: int
    orphans: int
    clipped: int
    unfinished: int
    negative: int
    invalid_lines: int
    truncated_lines: int
    clock_shifts: dict[str, int] = field(default_factory=dict)
    missing_spans: int = 0
    dropped_spans: int = 0
    cycles: int = 0
    overfull: int = 0
    without_start: int = 0
    unclean: int = 0
    running: list[str] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)
    delivered_spans: int = 0
    died: list[str] = field(default_factory=list)


class SpanCounts(NamedTuple):
    """Counts of the spans that were read, in memory or in a database: see `Integrity`.

    `reported` is the number of ended spans that each process reports on its spans, `read` the
    number of ended spans of each process that were read.
    """

    spans: int
    summaries: int
    calls: int
    clipped: int
    overfull: int
    anomalies: Anomalies
    clock_shifts: dict[str, int]
    reported: Mapping[ProcessKey, int]
    read: Mapping[ProcessKey, int]


def integrity(loaded: Loaded, selfs: SelfTimes) -> Integrity:
    """Compare what was read with what the processes counted."""
    table = loaded.table
    counts = SpanCounts(
        spans=table.size,
        summaries=int(table.summaries.row.size),
        calls=int(table.summaries.calls.sum()),
        clipped=selfs.clipped,
        overfull=selfs.overfull,
        anomalies=table.anomalies,
        clock_shifts=table.clock_shifts,
        reported=_reported_spans(table),
        read=_ended_spans_read(table),
    )
    return compare_counts(counts, loaded.faults, loaded.sidecars)


def compare_counts(counts: SpanCounts, faults: ReadFaults, sidecars: Sidecars) -> Integrity:
    """Compare what was read with what the processes counted."""
    expected = _expected_spans(counts, sidecars)
    read = Counter(counts.read)
    differs = any(read[process] != count for process, count in expected.items())
    missing = {
        process: count - read[process]
        for process, count in expected.items()
        if count > read[process]
    }
    anomalies = counts.anomalies
    unclean = len(sidecars.adoptable) + faults.unclean
    broken = (
        differs or faults.invalid_lines or faults.truncated_lines or anomalies.unfinished or unclean
    )
    return Integrity(
        spans=counts.spans,
        summaries=counts.summaries,
        calls=counts.calls,
        expected_spans=sum(expected.values()) if expected else None,
        complete=not broken if expected else None,
        duplicates=anomalies.duplicates,
        orphans=anomalies.orphans,
        clipped=counts.clipped,
        unfinished=anomalies.unfinished,
        negative=anomalies.negative,
        invalid_lines=faults.invalid_lines,
        truncated_lines=faults.truncated_lines,
        clock_shifts=counts.clock_shifts,
        missing_spans=sum(missing.values()),
        dropped_spans=sum(tally.dropped for tally in sidecars.tallies),
        cycles=anomalies.cycles,
        overfull=counts.overfull,
        without_start=anomalies.without_start,
        unclean=unclean,
        running=sidecars.running,
        missing=_by_process_name(missing),
        delivered_spans=_delivered_spans(sidecars, missing),
        died=sidecars.died,
    )


def _by_process_name(missing: Mapping[ProcessKey, int]) -> dict[str, int]:
    """Missing spans by the name of the process, most first."""
    ordered = sorted(missing.items(), key=lambda entry: (-entry[1], str(entry[0])))
    named: dict[str, int] = {}
    for (host, pid, _), count in ordered:
        name = f"{host}/{pid}"
        named[name] = named.get(name, 0) + count
    return named


def _delivered_spans(sidecars: Sidecars, missing: Mapping[ProcessKey, int]) -> int:
    """How many of the missing spans a collector has accepted."""
    return sum(
        min(missing.get(process_key(tally), 0), tally.delivered) for tally in sidecars.tallies
    )


def _expected_spans(counts: SpanCounts, sidecars: Sidecars) -> dict[ProcessKey, int]:
    """How many spans each process ended: the greatest number that it reported."""
    expected: dict[ProcessKey, int] = {
        process_key(tally): tally.ended for tally in sidecars.tallies
    }
    for process, count in counts.reported.items():
        expected[process] = max(count, expected.get(process, 0))
    return expected


def _reported_spans(table: SpanTable) -> dict[ProcessKey, int]:
    ended: dict[ProcessKey, int] = {}
    for row, own in table.own_attributes.items():
        if own.spans_ended is not None:
            origin = table.processes[table.process[row]]
            process = process_key(origin)
            ended[process] = max(own.spans_ended, ended.get(process, 0))
    return ended


def _ended_spans_read(table: SpanTable) -> Counter[ProcessKey]:
    """How many ended spans of each process were read."""
    counted = np.bincount(table.process[~table.adopted], minlength=len(table.processes))
    read: Counter[ProcessKey] = Counter()
    for origin, count in zip(table.processes, counted.tolist(), strict=True):
        read[process_key(origin)] += count
    return read


def process_key(process: Origin | Tally) -> ProcessKey:
    """The key of the process of a span or tally."""
    return process.host, process.pid, process.instance


def warnings(integrity: Integrity) -> list[str]:
    """Warnings for readers of the figures, one line each."""
    lines = (
        (integrity.overfull, "spans that are shorter than the hot calls recorded in them"),
        (integrity.cycles, "cycles of parent links that were cut"),
        (integrity.without_start, "spans without a start, which count as instantaneous"),
        (
            len(integrity.running),
            "processes that are still running: figures are of what they wrote",
        ),
    )
    return [f"{number} {sentence}" for number, sentence in lines if number]
