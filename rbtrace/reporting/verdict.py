"""What a report says of the integrity of its data, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace.analysis.integrity import Integrity
from rbtrace.reporting.numbers import count, duration

_FEW: Final = 8


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
        (found.unfinished, "Spans without an end, which last until what was last seen in them"),
        (found.invalid_lines, "Invalid lines, left out"),
        (found.truncated_lines, "Lines that are cut off, left out"),
        (found.duplicates, "Spans that were there again, counted once"),
        (found.orphans, "Spans whose parent is not there, which count as roots"),
        (found.clipped, "Spans that reach beyond their parent in the same thread, clipped to it"),
        (found.negative, "Spans that end before they start, which count as instantaneous"),
    )
    sentences = [f"{sentence}: {count(number)}." for number, sentence in lines if number]
    if found.clock_shifts:
        moved = [f"{name} ({duration(ns)})" for name, ns in found.clock_shifts.items()]
        sentences.append(f"Clocks that were behind their parent's, moved on: {_few(moved)}.")
    return [*_where(found), *sentences]


def _where(found: Integrity) -> list[str]:
    """Which processes fall short, and which died: each by name, the first few of them."""
    lines = []
    if found.missing:
        short = [f"{name} ({count(number)})" for name, number in found.missing.items()]
        lines.append(f"Spans are missing of {_few(short)}.")
    if found.delivered_spans:
        lines.append(
            f"Taken by a collector: {count(found.delivered_spans)} of the missing spans; "
            "analyze what it wrote as well."
        )
    if found.died:
        lines.append(f"Died without closing their files: {_few(found.died)}.")
    return lines


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {count(len(names) - _FEW)} more"
