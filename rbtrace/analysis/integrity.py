"""Integrity: whether what was read is all there was, and what was amiss with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rbtrace.analysis.loading import Loaded
from rbtrace.analysis.self_time import SelfTimes
from rbtrace.analysis.table import SpanTable

type _ProcessKey = tuple[str, int | None, str]


@dataclass(frozen=True, slots=True)
class Integrity:
    """Counts, in spans unless they say otherwise.

    `complete` is None where no process counted its spans. `missing_spans` are those that were
    counted and not read, `missing` the same by process; `delivered_spans` are those of them that a
    collector has taken, `dropped_spans` those that the recorder had to drop. `overfull` spans have
    summaries that claim more time than there was; `unclean` counts dead processes that did not
    close their files, `died` names them; `running` names living ones. `clock_shifts` says by how
    many ns the spans of a process were moved.
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


def integrity(loaded: Loaded, selfs: SelfTimes) -> Integrity:
    """Compare what was read with what the processes counted."""
    table, faults, beside = loaded.table, loaded.faults, loaded.beside
    expected = _expected(loaded)
    read = _read(table)
    differs = any(read[process] != count for process, count in expected.items())
    missing = {
        process: count - read[process]
        for process, count in expected.items()
        if count > read[process]
    }
    anomalies = table.anomalies
    unclean = len(beside.adoptable) + faults.unclean
    broken = (
        differs or faults.invalid_lines or faults.truncated_lines or anomalies.unfinished or unclean
    )
    return Integrity(
        spans=table.size,
        summaries=int(table.summaries.row.size),
        calls=int(table.summaries.calls.sum()),
        expected_spans=sum(expected.values()) if expected else None,
        complete=not broken if expected else None,
        duplicates=anomalies.duplicates,
        orphans=anomalies.orphans,
        clipped=selfs.clipped,
        unfinished=anomalies.unfinished,
        negative=anomalies.negative,
        invalid_lines=faults.invalid_lines,
        truncated_lines=faults.truncated_lines,
        clock_shifts=table.clock_shifts,
        missing_spans=sum(missing.values()),
        dropped_spans=sum(tally.dropped for tally in beside.tallies),
        cycles=anomalies.cycles,
        overfull=selfs.overfull,
        without_start=anomalies.without_start,
        unclean=unclean,
        running=beside.running,
        missing=_by_process(missing),
        delivered_spans=_delivered(loaded, missing),
        died=beside.died,
    )


def _by_process(missing: Mapping[_ProcessKey, int]) -> dict[str, int]:
    """Missing spans by the name of the process, most first."""
    ordered = sorted(missing.items(), key=lambda entry: (-entry[1], str(entry[0])))
    named: dict[str, int] = {}
    for (host, pid, _), count in ordered:
        name = f"{host}/{pid}"
        named[name] = named.get(name, 0) + count
    return named


def _delivered(loaded: Loaded, missing: Mapping[_ProcessKey, int]) -> int:
    """How many of the missing spans a collector has taken."""
    return sum(
        min(missing.get((tally.host, tally.pid, tally.instance), 0), tally.delivered)
        for tally in loaded.beside.tallies
    )


def _expected(loaded: Loaded) -> dict[_ProcessKey, int]:
    """How many spans each process says it ended: the greatest of what it ever said."""
    table = loaded.table
    expected: dict[_ProcessKey, int] = {
        (tally.host, tally.pid, tally.instance): tally.ended for tally in loaded.beside.tallies
    }
    for row, extra in table.extras.items():
        if extra.spans_ended is not None:
            origin = table.processes[table.process[row]]
            process = (origin.host, origin.pid, origin.instance)
            expected[process] = max(extra.spans_ended, expected.get(process, 0))
    return expected


def _read(table: SpanTable) -> Counter[_ProcessKey]:
    """How many ended spans of each process were read."""
    counted = np.bincount(table.process[~table.adopted], minlength=len(table.processes))
    read: Counter[_ProcessKey] = Counter()
    for origin, count in zip(table.processes, counted.tolist(), strict=True):
        read[origin.host, origin.pid, origin.instance] += count
    return read


def warnings(found: Integrity) -> list[str]:
    """What a reader of the figures should know, one line each."""
    lines = (
        (found.overfull, "spans that are shorter than the hot calls recorded in them"),
        (found.cycles, "cycles of parent links that were cut"),
        (found.without_start, "spans without a start, which count as instantaneous"),
        (len(found.running), "processes that are still running: figures are of what they wrote"),
    )
    return [f"{number} {sentence}" for number, sentence in lines if number]
