"""The table of what is lost: one line for each case, over all its runs."""

from __future__ import annotations

from collections.abc import Iterable

from tests.durability.judgement import Row
from tests.support.markdown import line

COLUMNS = (
    "case",
    "runs",
    "spans expected",
    "kept",
    "hot calls expected",
    "kept",
    "lost",
    "repeats in files",
    "on the wire",
    "deadlocks",
    "longest exit, s",
)


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    by_case: dict[str, list[Row]] = {}
    for row in rows:
        by_case.setdefault(row.name, []).append(row)
    return "\n".join(
        [
            line(COLUMNS),
            "|---|" + "---:|" * (len(COLUMNS) - 1),
            *(line(_cells(name, runs)) for name, runs in by_case.items()),
        ]
    )


INTRODUCTION = """\
# What is kept

Programs that end, crash, fork, are killed or cannot deliver, and what the report on their traces
has of what they counted themselves. Spans and calls are lost only where a process was killed,
within one flush interval, or where a disk stayed full; then the report says so. An exit is timed
without the waiting for a core.

`make test-durability TIMES=20` makes this page."""


def document(rows: Iterable[Row], remarks: Iterable[str], failed: int) -> str:
    """The table as a page of its own."""
    paragraphs = [INTRODUCTION, f"Tests that failed: {failed}.", table(rows), *remarks]
    return "\n\n".join(paragraphs) + "\n"


def _cells(name: str, runs: list[Row]) -> tuple[object, ...]:
    """Sums of all runs, and the longest exit."""
    sums = (
        sum(run.spans_expected for run in runs),
        sum(run.spans_kept for run in runs),
        sum(run.calls_expected for run in runs),
        sum(run.calls_kept for run in runs),
        sum(run.lost for run in runs),
        sum(run.repeats for run in runs),
        sum(run.wire_repeats for run in runs),
        sum(run.deadlocks for run in runs),
    )
    longest = max(run.exit_s for run in runs)
    return (name, len(runs), *(f"{figure:,}" for figure in sums), f"{longest:.2f}")
