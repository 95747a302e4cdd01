"""What a report says of the integrity of its data, in words."""

from __future__ import annotations

from rbtrace.analysis.integrity import Integrity
from rbtrace.reporting.numbers import count


def sentences(found: Integrity) -> list[str]:
    """The opening of every report: complete or not, then what is amiss, one sentence each."""
    return [_opening(found), *_amiss(found)]


def _opening(found: Integrity) -> str:
    read = f"{count(found.spans)} spans were read"
    if found.summaries:
        read += f", {count(found.summaries)} of them for {count(found.calls)} hot calls"
    if found.complete is None:
        return f"Completeness unknown: no process counted its spans. {read}."
    if found.complete:
        return f"Complete: all spans that were ended are here. {read}."
    return f"Incomplete. {read}."


def _amiss(found: Integrity) -> list[str]:
    lines = (
        (
            found.missing_spans,
            f"{{}} of {count(found.expected_spans)} spans that were ended are missing",
        ),
        (found.dropped_spans, "{} spans were dropped by the recorder"),
        (found.unclean, "{} processes died without closing their files"),
        (found.unfinished, "{} spans never ended; they last until what was last seen in them"),
        (found.invalid_lines, "{} lines are not valid and were left out"),
        (found.truncated_lines, "{} lines are cut off and were left out"),
        (found.duplicates, "{} spans were there more than once and count once"),
        (found.orphans, "{} spans name a parent that is not there and count as roots"),
        (found.clipped, "{} spans reach beyond their parent in the same thread and are clipped"),
        (found.negative, "{} spans end before they start and count as instantaneous"),
    )
    return [f"{sentence.format(count(number))}." for number, sentence in lines if number]
