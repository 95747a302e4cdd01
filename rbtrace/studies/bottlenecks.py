"""What holds up the processes of a study: by critical paths, shares and sampled stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rbtrace.analysis.breakdowns import FunctionTime, OperationTime
from rbtrace.analysis.results import Results
from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count, duration, interval, percent
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.flames import hottest_function

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
    operations = {one.name: one for one in results.operations}
    return [
        Bottleneck(operations[name], ns / whole)
        for name, ns in sorted(on_path.items(), key=lambda item: (-item[1], item[0]))[:NAMED]
        if name in operations and ns
    ]


def with_functions(evidence: Evidence) -> list[Bottleneck]:
    """The bottlenecks of a study, with what was sampled within them."""
    found, sampled = bottlenecks(evidence.results), evidence.sampled
    if sampled is None:
        return found
    return [one._replace(function=hottest_function(sampled, one.operation.name)) for one in found]


def in_words(study: str, one: Bottleneck) -> str:
    """A sentence that names a bottleneck, and the evidence."""
    operation, function = one.operation, one.function
    said = (
        f"{study}: the bottleneck is {operation.name}, {percent(one.on_path)} of the critical "
        f"paths and {told_share(operation)} of all self time, {count(operation.calls)} calls of "
        f"{duration(operation.mean_ns)} in the mean"
    )
    if function:
        said += (
            f"; of the time sampled within it, {percent(function.share)} has {function.name} on "
            "top of the stack"
        )
    return f"{said}."


def table(of_studies: Mapping[str, Sequence[Bottleneck]]) -> Table:
    """The bottlenecks of several studies."""
    titles = ["operation", "on critical path", "share of self time", "calls", "mean", "p95"]
    titles += ["kind", "function on top", "in samples"]
    rows = [
        Row(
            [
                study,
                one.operation.name,
                percent(one.on_path),
                told_share(one.operation),
                count(one.operation.calls),
                duration(one.operation.mean_ns),
                duration(one.operation.p95_ns),
                one.operation.category or "–",
                one.function.name if one.function else "–",
                percent(one.function.share if one.function else None),
            ],
            one.on_path,
        )
        for study, several in of_studies.items()
        for one in several
    ]
    note = (
        f"The {NAMED} operations of each study that take most of the critical paths: what the "
        "duration was spent waiting for. In a parallel study an operation can have a large share "
        "of the self time and still not be waited for. In brackets the 95 % interval of the share. "
        "On top: the function that was itself at work for most of the time sampled within the "
        "operation and all that it calls, in one process; and for which part of that time."
    )
    return Table("Bottlenecks", columns("study", titles), rows, note)


def told_share(operation: OperationTime) -> str:
    """The share of an operation in the self time of all, with its interval, if there is one."""
    return told(operation.share, operation.share_ci)


def told(share: float | None, ci: tuple[float, float] | None) -> str:
    """A share, and its interval in brackets."""
    return percent(share) + (f" ({interval(ci)})" if ci else "")
