"""From an outcome to a row of the table, and to what is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.durability.harness import Outcome

LONGEST_EXIT_S = 2.0
RECORDS_PER_SPAN = 3
"""In the programs that fill a disk: the span, the summary of its one call, and that call."""
LIBRARY_EXIT_S = 15.0
"""Where the engine or Ray takes seconds of its own, traced or not."""


@dataclass(frozen=True)
class Row:
    """Figures of one run of a case."""

    name: str
    spans_expected: int
    spans_kept: int
    calls_expected: int
    calls_kept: int
    lost: int
    invented: int
    repeats: int
    wire_repeats: int
    deadlocks: int
    exit_s: float


def row_of(outcome: Outcome) -> Row:
    """Count what was kept of what was counted."""
    counted, kept = outcome.counted, outcome.kept.calls
    expected = counted.spans + counted.calls
    found = Counter({name: kept[name] for name in expected})
    return Row(
        outcome.case.name,
        counted.spans.total(),
        sum(kept[name] for name in counted.spans),
        counted.calls.total(),
        sum(kept[name] for name in counted.calls),
        (expected - found).total(),
        (found - expected).total(),
        outcome.kept.repeats,
        outcome.kept.wire_repeats,
        outcome.deadlocks,
        outcome.exit_s,
    )


def faults(outcome: Outcome) -> list[str]:
    """Everything about an outcome that should not be, in words; nothing if all is well."""
    row = row_of(outcome)
    allowed = allowed_losses(outcome)
    complete = outcome.kept.integrity.get("complete")
    amiss = {
        f"ended with {outcome.status}: {outcome.complaints[-2000:]}": outcome.status
        != outcome.case.status,
        "counted nothing": not row.spans_expected,
        f"lost {row.lost}, {allowed} are allowed: {differences(outcome)}": row.lost > allowed,
        f"reports {row.invented} that never were: {differences(outcome)}": row.invented
        > outcome.case.cut_short,
        "prints something else than untraced": outcome.untraced not in {None, outcome.printed},
        f"is reported without its end: {outcome.kept.integrity}": outcome.case.killed
        and not names_the_dead(outcome),
        f"does not say how many are missing: {outcome.kept.integrity}": outcome.case.short_of_disk
        and not says_how_many_are_missing(outcome),
        f"has {row.repeats} spans twice in its files": row.repeats > 0,
        f"left {row.deadlocks} processes that had to be killed": row.deadlocks > 0,
        f"took {row.exit_s:.2f} s to exit": row.exit_s
        > (LIBRARY_EXIT_S if outcome.case.engine or outcome.case.needs else LONGEST_EXIT_S),
        f"is complete: {complete}; {outcome.kept.integrity}": complete
        is not (outcome.case.complete and not outcome.kept.is_torn),
    }
    return [f"{row.name} {what}" for what, is_so in amiss.items() if is_so]


def allowed_losses(outcome: Outcome) -> int:
    """Nothing, but where a process was killed or the disk stayed full."""
    if outcome.case.killed:
        return outcome.counted.in_the_last_interval()
    if outcome.case.short_of_disk:
        return outcome.counted.spans.total() + outcome.counted.calls.total()
    return 0


def names_the_dead(outcome: Outcome) -> bool:
    """Whether the report names one process that died, and shows what it had not finished."""
    died = outcome.kept.integrity.get("died", [])
    return (
        len(died) == 1
        and f"Died without closing their files: {died[0]}" in outcome.kept.report
        and int(died[0].rpartition("/")[2]) in outcome.counted.pids
        and outcome.kept.integrity["unfinished"] > 0
    )


def says_how_many_are_missing(outcome: Outcome) -> bool:
    """Whether the report names the one process, and all that it recorded and did not keep."""
    integrity = outcome.kept.integrity
    (pid,) = outcome.counted.pids
    recorded = RECORDS_PER_SPAN * outcome.counted.spans.total()
    return (
        [name.rpartition("/")[2] for name in integrity["missing"]] == [str(pid)]
        and integrity["missing_spans"] == recorded - outcome.kept.records > 0
        and integrity["delivered_spans"] == 0
    )


def differences(outcome: Outcome) -> dict[str, tuple[int, int]]:
    """Names whose counts differ: expected and kept."""
    expected = outcome.counted.spans + outcome.counted.calls
    kept = outcome.kept.calls
    return {name: (n, kept[name]) for name, n in expected.items() if n != kept[name]}
