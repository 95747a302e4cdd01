"""Profiles as sessions of pyinstrument, whose renderers then all work on them, and back."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.profile import EMPTY, Process, Profile, Stacks

_NS = 1e9


def to_session(profile: Profile, title: str) -> Any:
    """A `pyinstrument.session.Session` of the samples, process after process in order of time."""
    from pyinstrument.session import Session  # noqa: PLC0415 - imports a compiled module

    order = np.lexsort((profile.time, profile.process))
    occurring = np.unique(profile.stack).tolist()
    texts = {stack: [_text(frame) for frame in profile.path(stack)] for stack in occurring}
    records = [
        (texts[stack], weight / _NS)
        for stack, weight in zip(
            profile.stack[order].tolist(), profile.weight[order].tolist(), strict=True
        )
        if stack != EMPTY
    ]
    intervals = [
        process.interval_ns / _NS for process in profile.processes if process.interval_ns
    ] or [0.001]
    starts = [process.start_ns for process in profile.processes if process.start_ns] or [0]
    return Session(
        frame_records=records,
        start_time=min(starts) / _NS,
        duration=profile.total_ns / _NS,
        min_interval=min(intervals),
        max_interval=max(intervals),
        sample_count=profile.samples,
        start_call_stack=[""],
        target_description=title,
        cpu_time=0.0,
        sys_path=list(sys.path),
        sys_prefixes=Session.current_sys_prefixes(),
    )


def of_session(session: Any) -> Profile:
    """The profile of a pyinstrument session."""
    stacks = Stacks()
    numbers = []
    for texts, _ in session.frame_records:
        numbers.append(stacks.of([_frame(text) for text in texts]))
    weight = np.array([round(seconds * _NS) for _, seconds in session.frame_records], np.int64)
    start = int(session.start_time * 1e6) * 1000
    frames, parent, frame = stacks.columns()
    return Profile(
        frames,
        parent,
        frame,
        time=start + np.cumsum(weight),
        weight=weight,
        count=np.ones(weight.size, np.int64),
        stack=np.array(numbers, np.int32),
        span=np.zeros(weight.size, np.uint64),
        process=np.zeros(weight.size, np.int32),
        processes=[Process(str(session.target_description or "session"), start_ns=start)],
    )


def to_html(profile: Profile, title: str) -> str:
    """The interactive page of pyinstrument."""
    from pyinstrument.renderers import HTMLRenderer  # noqa: PLC0415 - imports a compiled module

    frames = [
        Frame(_harmless(frame.name), _harmless(frame.file), frame.line) for frame in profile.frames
    ]
    session = to_session(replace(profile, frames=frames), _harmless(title))
    page: str = HTMLRenderer(resample_interval=0).render(session)
    return page


def _harmless(text: str) -> str:
    """The page has names within a script, as they are: let none end it."""
    return text.replace("</", "<\u200b/").replace("<!", "<\u200b!")


def _text(frame: Frame) -> str:
    return f"{frame.name}\0{frame.file}\0{frame.line}"


def _frame(text: str) -> Frame:
    name, _, location = text.partition("\1")[0].partition("\0")
    file, _, line = location.rpartition("\0")
    return Frame(name, file, int(line) if line.isdigit() else 0)
