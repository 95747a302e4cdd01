"""Comparison of all studies by their traces: kinds of work, operations, bottlenecks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rbtrace.analysis.breakdowns import OperationTime
from rbtrace.analysis.results import FunctionTime, Results
from rbtrace.reporting.model import Column, Options, Report, Table
from rbtrace.reporting.numbers import count, duration, percent, ratio
from rbtrace.statistics import share_interval
from rbtrace.statistics.shares import ENOUGH_K_EFF
from rbtrace.studies.evidence import Evidence, command_of
from rbtrace.studies.flames import hottest_function
from rbtrace.studies.shared_tables import share_with_interval

NAMED: Final = 3
"""Bottlenecks that are named for each study."""


class Bottleneck(NamedTuple):
    """An operation that runs had to wait for.

    Attributes:
        operation: what is known of its calls.
        on_path: its part of the critical paths of all roots, a fraction.
        function: the one most often on top of the stacks sampled within it, if any were.
    """

    operation: OperationTime
    on_path: float
    function: FunctionTime | None = None


def bottlenecks(results: Results) -> list[Bottleneck]:
    """The operations that take most of the critical paths, the greatest first."""
    on_path: Counter[str] = Counter()
    for piece in results.critical_path:
        on_path[piece.name] += piece.ns
    whole = on_path.total()
    operations = {operation.name: operation for operation in results.operations}
    return [
        Bottleneck(operations[name], ns / whole)
        for name, ns in sorted(on_path.items(), key=lambda item: (-item[1], item[0]))[:NAMED]
        if name in operations and ns
    ]


def with_functions(evidence: Evidence) -> list[Bottleneck]:
    """The bottlenecks of a study, with what was sampled within them."""
    slowest, sampled = bottlenecks(evidence.results), evidence.sampled
    if sampled is None:
        return slowest
    return [
        bottleneck._replace(function=hottest_function(sampled, bottleneck.operation.name))
        for bottleneck in slowest
    ]


def bottleneck_sentence(study: str, bottleneck: Bottleneck) -> str:
    """A sentence that names a bottleneck, and the evidence."""
    operation, function = bottleneck.operation, bottleneck.function
    sentence = (
        f"{study}: the bottleneck is {operation.name}, {percent(bottleneck.on_path)} of the "
        f"critical paths and {share_of_self_time(operation)} of all self time, "
        f"{count(operation.calls)} calls of {duration(operation.mean_ns)} in the mean"
    )
    if function:
        sentence += (
            f"; of the time sampled within it, {percent(function.share)} has {function.name} on "
            "top of the stack"
        )
    return f"{sentence}."


def bottlenecks_table(of_studies: Mapping[str, Sequence[Bottleneck]]) -> Table:
    """The bottlenecks of several studies."""
    columns: list[Column[tuple[str, Bottleneck]]] = [
        Column("study", lambda row: row[0], right=False),
        Column("operation", lambda row: row[1].operation.name),
        Column("on critical path", lambda row: percent(row[1].on_path)),
        Column("share of self time", lambda row: share_of_self_time(row[1].operation)),
        Column("calls", lambda row: count(row[1].operation.calls)),
        Column("mean", lambda row: duration(row[1].operation.mean_ns)),
        Column("p95", lambda row: duration(row[1].operation.p95_ns)),
        Column("kind", lambda row: row[1].operation.category or "–"),
        Column("function on top", lambda row: row[1].function.name if row[1].function else "–"),
        Column(
            "in samples", lambda row: percent(row[1].function.share if row[1].function else None)
        ),
    ]
    rows = [(study, bottleneck) for study, several in of_studies.items() for bottleneck in several]
    note = (
        f"The {NAMED} operations of each study that take most of the critical paths: what the "
        "duration was spent waiting for. In a parallel study an operation can have a large share "
        "of the self time and still not be waited for. In brackets the 95 % interval of the share. "
        "On top: the function that was itself at work for most of the time sampled within the "
        "operation and all that it calls, in one process; and for which part of that time."
    )
    return Table.of("Bottlenecks", columns, rows, note, bar=lambda row: row[1].on_path)


def share_of_self_time(operation: OperationTime) -> str:
    """The share of an operation in the self time of all, with its interval, if there is one."""
    return share_with_interval(operation.share, operation.share_ci)


TITLE: Final = "Across the studies"
_LEAST: Final = Options().threshold / 100
_ROUNDING: Final = 1e-9


def compare_studies(studies: Mapping[str, Evidence]) -> Report:
    """Compare studies by where the time of their traced processes went.

    Args:
        studies: what each has measured, by name.
    """
    results = {name: evidence.results for name, evidence in studies.items()}
    of_studies = {name: with_functions(evidence) for name, evidence in studies.items()}
    return Report(
        title=TITLE,
        complete=all(evidence.complete for evidence in studies.values()),
        integrity=[_opening(studies), *(evidence.opening()[0] for evidence in studies.values())],
        figures=[
            ("studies", count(len(studies))),
            (
                "processes measured",
                count(sum(len(evidence.measured) for evidence in studies.values())),
            ),
            ("spans", count(sum(analysis.integrity.spans for analysis in results.values()))),
        ],
        tables=[
            _studies(results),
            bottlenecks_table(of_studies),
            _kinds(studies),
            _operations(results),
        ],
        findings=[
            bottleneck_sentence(name, several[0]) for name, several in of_studies.items() if several
        ],
        warnings=[
            f"{name}: {line}" for name, evidence in studies.items() for line in evidence.warnings()
        ],
    )


def _opening(studies: Mapping[str, Evidence]) -> str:
    command = command_of("all", quick=all(evidence.quick for evidence in studies.values()))
    spent = sum(evidence.spent_ns for evidence in studies.values())
    return f"{command} measures all of it, and took {duration(spent)}."


def _studies(by_study: Mapping[str, Results]) -> Table:
    columns: list[Column[tuple[str, Results]]] = [
        Column("study", lambda row: row[0], right=False),
        Column("runs", lambda row: count(len(row[1].runs))),
        Column("processes", lambda row: count(len(row[1].processes))),
        Column("wall", lambda row: duration(row[1].wall_ns)),
        Column("self time", lambda row: duration(row[1].self_ns)),
        Column("parallelism", lambda row: ratio(row[1].parallelism, "×")),
        Column("overhead ÷ computation", lambda row: ratio(row[1].overhead_to_computation)),
    ]
    note = (
        "Of all traced cases. Parallelism: self time ÷ wall time. Overhead ÷ computation: self "
        "time of all other kinds of work ÷ that of computation and user."
    )
    return Table.of("Studies", columns, by_study.items(), note)


def _kinds(studies: Mapping[str, Evidence]) -> Table:
    """Kinds of work with intervals, over the runs of each study."""
    of_runs = {
        name: [_by_kind(results) for results in evidence.results_of_each()]
        for name, evidence in studies.items()
    }
    totals: Counter[str] = Counter()
    for runs in of_runs.values():
        for run in runs:
            totals.update(run)
    columns: list[Column[str]] = [
        Column("kind", str, right=False),
        *(_kind_column(name, runs) for name, runs in of_runs.items()),
    ]
    kinds = [kind for kind, _ in totals.most_common()]
    note = (
        "Part of all self time, in brackets the 95 % interval over runs, where they count for "
        f"{ENOUGH_K_EFF} equal ones or more. The runs of a study differ by plan, and so do "
        "the mixes that the studies are of: an interval is that of this mix."
    )
    return Table.of("Kinds of work, by study", columns, kinds, note)


def _by_kind(results: Results) -> dict[str, int]:
    return {category.name: category.self_ns for category in results.categories}


def _kind_column(study: str, runs: Sequence[Mapping[str, int]]) -> Column[str]:
    return Column(study, lambda kind: _kind(runs, kind))


def _kind(runs: Sequence[Mapping[str, int]], kind: str) -> str:
    counted = [run for run in runs if sum(run.values()) > 0]
    parts = [run.get(kind, 0) for run in counted]
    if not any(parts):
        return "–"
    share = share_interval(parts, [sum(run.values()) for run in counted])
    enough = share.k_eff > ENOUGH_K_EFF - _ROUNDING
    return share_with_interval(share.share, share.ci if enough else None)


def _operations(by_study: Mapping[str, Results]) -> Table:
    of_studies = {
        study: {operation.name: operation for operation in results.operations}
        for study, results in by_study.items()
    }
    greatest: dict[str, float] = {}
    for operations in of_studies.values():
        for name, operation in operations.items():
            greatest[name] = max(greatest.get(name, 0.0), operation.share or 0.0)
    columns: list[Column[str]] = [
        Column("operation", str, right=False),
        *(_operation_column(study, operations) for study, operations in of_studies.items()),
    ]
    ranked = sorted(greatest, key=lambda name: greatest[name], reverse=True)
    listed = [name for name in ranked if greatest[name] >= _LEAST]
    note = (
        f"Part of all self time of a study's traced cases, {percent(_LEAST)} and more in any; in "
        "brackets the 95 % interval over runs."
    )
    notes = [
        f"{study}: {results.share_note}"
        for study, results in by_study.items()
        if results.share_note
    ]
    table = Table.of(
        "Operations, by study", columns, listed, " ".join([note, *notes]), bar=greatest.get
    )
    rest = len(ranked) - len(listed)
    if rest:
        parts = (
            sum(
                operation.share or 0.0
                for name, operation in operations.items()
                if name not in listed
            )
            for operations in of_studies.values()
        )
        table.add(f"{count(rest)} more below {percent(_LEAST)}", *map(percent, parts), rest=True)
    return table


def _operation_column(study: str, operations: Mapping[str, OperationTime]) -> Column[str]:
    return Column(
        study,
        lambda name: share_of_self_time(operations[name]) if name in operations else "–",
    )
