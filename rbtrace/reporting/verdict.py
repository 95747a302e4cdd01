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
        (found.missing_spans, f"Missing, of {count(found.expected_spans)} spans that were ended"),
        (found.dropped_spans, "Spans that the recorder had to drop"),
        (found.unclean, "Processes that died without closing their files"),
        (found.unfinished, "Spans without an end, which last until what was last seen in them"),
        (found.invalid_lines, "Invalid lines, left out"),
        (found.truncated_lines, "Lines that are cut off, left out"),
        (found.duplicates, "Spans that were there again, counted once"),
        (found.orphans, "Spans whose parent is not there, which count as roots"),
        (found.clipped, "Spans that reach beyond their parent in the same thread, clipped to it"),
        (found.negative, "Spans that end before they start, which count as instantaneous"),
    )
    return [f"{sentence}: {count(number)}." for number, sentence in lines if number]
