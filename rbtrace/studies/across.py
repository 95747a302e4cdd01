"""All studies beside each other, by their traces alone: where time went, and what holds it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Options, Report, Row, Table, columns
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.statistics import share_interval
from rbtrace.statistics.shares import ENOUGH_K_EFF
from rbtrace.studies.bottlenecks import in_words, told, told_share, with_functions
from rbtrace.studies.bottlenecks import table as bottlenecks_table
from rbtrace.studies.evidence import Evidence, command_of

TITLE: Final = "Across the studies"
_LEAST: Final = Options().threshold / 100
_ROUNDING: Final = 1e-9


def across(studies: Mapping[str, Evidence]) -> Report:
    """Compare studies by where the time of their traced processes went.

    Args:
        studies: what each has measured, by name.
    """
    found = {name: evidence.results for name, evidence in studies.items()}
    held_up = {name: with_functions(evidence) for name, evidence in studies.items()}
    return Report(
        title=TITLE,
        complete=all(evidence.complete for evidence in studies.values()),
        integrity=[_opening(studies), *(one.opening()[0] for one in studies.values())],
        figures=[
            ("studies", count(len(studies))),
            ("processes measured", count(sum(len(one.measured) for one in studies.values()))),
            ("spans", count(sum(one.integrity.spans for one in found.values()))),
        ],
        tables=[
            _studies(found),
            bottlenecks_table(held_up),
            _kinds(studies),
            _operations(found),
        ],
        findings=[in_words(name, several[0]) for name, several in held_up.items() if several],
        warnings=[
            f"{name}: {line}" for name, evidence in studies.items() for line in evidence.warnings()
        ],
    )


def _opening(studies: Mapping[str, Evidence]) -> str:
    command = command_of("all", quick=all(one.quick for one in studies.values()))
    spent = sum(one.spent_ns for one in studies.values())
    return f"{command} measures all of it, and took {duration(spent)}."


def _studies(found: Mapping[str, Results]) -> Table:
    titles = ["runs", "processes", "wall", "self time", "parallelism", "overhead ÷ computation"]
    rows = [
        Row(
            [
                name,
                count(len(one.runs)),
                count(len(one.processes)),
                duration(one.wall_ns),
                duration(one.self_ns),
                ratio(one.parallelism, "×"),
                ratio(one.overhead_to_computation),
            ]
        )
        for name, one in found.items()
    ]
    note = (
        "Of all traced cases. Parallelism: self time ÷ wall time. Overhead ÷ computation: self "
        "time of all other kinds of work ÷ that of computation and user."
    )
    return Table("Studies", columns("study", titles), rows, note)


def _kinds(studies: Mapping[str, Evidence]) -> Table:
    """Kinds of work with intervals, over the runs of each study."""
    of_runs = {
        name: [_by_kind(results) for results in evidence.of_each()]
        for name, evidence in studies.items()
    }
    totals: Counter[str] = Counter()
    for runs in of_runs.values():
        for run in runs:
            totals.update(run)
    rows = [
        Row([kind, *(_kind(runs, kind) for runs in of_runs.values())])
        for kind, _ in totals.most_common()
    ]
    note = (
        "Part of all self time, in brackets the 95 % interval over runs, where they count for "
        f"{ENOUGH_K_EFF} equal ones or more. The runs of a study differ by plan, and so do "
        "the mixes that the studies are of: an interval is that of this mix."
    )
    return Table("Kinds of work, by study", columns("kind", list(studies)), rows, note)


def _by_kind(results: Results) -> dict[str, int]:
    return {one.name: one.self_ns for one in results.categories}


def _kind(runs: Sequence[Mapping[str, int]], kind: str) -> str:
    counted = [run for run in runs if sum(run.values()) > 0]
    parts = [run.get(kind, 0) for run in counted]
    if not any(parts):
        return "–"
    share = share_interval(parts, [sum(run.values()) for run in counted])
    enough = share.k_eff > ENOUGH_K_EFF - _ROUNDING
    return told(share.share, share.ci if enough else None)


def _operations(found: Mapping[str, Results]) -> Table:
    shares = {
        name: {one.name: one for one in results.operations} for name, results in found.items()
    }
    greatest: dict[str, float] = {}
    for operations in shares.values():
        for name, one in operations.items():
            greatest[name] = max(greatest.get(name, 0.0), one.share or 0.0)
    ranked = sorted(greatest.items(), key=itemgetter(1), reverse=True)
    listed = [name for name, share in ranked if share >= _LEAST]
    rows = [
        Row(
            [name, *(told_share(one[name]) if name in one else "–" for one in shares.values())],
            greatest[name],
        )
        for name in listed
    ]
    rest = len(ranked) - len(listed)
    if rest:
        parts = (
            sum(one.share or 0.0 for name, one in operations.items() if name not in listed)
            for operations in shares.values()
        )
        label = f"{count(rest)} more below {percent(_LEAST)}"
        rows.append(Row([label, *map(percent, parts)], rest=True))
    notes = [f"{name}: {results.share_note}" for name, results in found.items()]
    note = (
        f"Part of all self time of a study's traced cases, {percent(_LEAST)} and more in any; in "
        "brackets the 95 % interval over runs."
    )
    kept = [text for text, results in zip(notes, found.values(), strict=True) if results.share_note]
    return Table(
        "Operations, by study", columns("operation", list(found)), rows, " ".join([note, *kept])
    )
