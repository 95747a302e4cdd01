"""The profile file of one process: JSON lines of stack samples, documented in docs/flamegraphs.md.

The first line is a `ProfileHeader`, every other one a `ProfileLine` with what is new since the one
before. Frames, stacks and (within a line) spans are numbered from 1 in the order they are listed.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Frame(NamedTuple):
    """A function, or what stands for one. `line` is where it begins, 0 if that is not known."""

    name: str
    file: str = ""
    line: int = 0


class ProfileHeader(msgspec.Struct, kw_only=True):
    """Who was sampled and how. Times are epoch ns."""

    version: int
    run_id: str = ""
    host: str
    pid: int
    started: str | None = None
    instance: str = ""
    arm: str | None = None
    sampler: str = ""
    interval_ns: int
    thread: str = ""
    start: int = 0
    python: str = ""
    program: str = ""


class ProfileMinutes(msgspec.Struct):
    """Sums of samples, as columns: one row per minute, stack and span."""

    times: list[int]
    counts: list[int]
    weights: list[int]
    at: list[int]
    within: list[int] = msgspec.field(name="in")
    spans: list[tuple[str, str]]


class ProfileLine(msgspec.Struct):
    """Frames, stacks and samples since the line before.

    Attributes:
        known: how many frames and stacks were listed before.
        frames: new frames.
        stacks: new stacks: the number of the stack around the innermost frame, and of that frame.
        origin: time of the first sample, epoch ns.
        times: of the samples, each as the difference to the one before, ns.
        weights: time each sample stands for, ns.
        at: the stack of each sample.
        within: the span of each sample, 0 for none.
        spans: trace id and span id of the spans, in hexadecimal digits.
        until: when the line was written, epoch ns.
        taken: samples taken so far.
        dropped: samples lost so far.
        cut: stacks whose outermost frames were left out so far.
        unsampled: threads that were not sampled.
        interval_ns: the present interval.
        slowed: how often samples were made rarer.
        minutes: sums that are written in place of single samples.
    """

    known: tuple[int, int]
    frames: list[Frame]
    stacks: list[tuple[int, int]]
    origin: int = msgspec.field(name="from")
    times: list[int]
    weights: list[int]
    at: list[int]
    within: list[int] = msgspec.field(name="in")
    spans: list[tuple[str, str]]
    until: int = 0
    taken: int = 0
    dropped: int = 0
    cut: int = 0
    unsampled: list[str] = []
    interval_ns: int = 0
    slowed: int = 0
    minutes: ProfileMinutes | msgspec.UnsetType = msgspec.UNSET
