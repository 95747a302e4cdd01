"""Profiles and profile files for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rbtrace.conventions import PROFILE_VERSION
from rbtrace.files.profiles import Frame, ProfileHeader
from rbtrace.profiling.flamegraph.profile import Process, Profile, Stacks
from rbtrace.recording.sampling.profile_file import ProfileFile
from rbtrace.recording.sampling.samples import Sample
from rbtrace.recording.sampling.stacks import StackTable

NASTY = [
    "<lambda>",
    "</script><b>",
    "a&\"b'",
    "größe 数量 \U0001f525",
    "x" * 2000,
    "\x00\x1b\ud800",
    ";",
]


def profile_of(weights):
    """A profile of {path of names: ns}."""
    stacks = Stacks()
    numbers = [stacks.of([Frame(name, f"{name}.py", 7) for name in path]) for path in weights]
    frames, parent, frame = stacks.columns()
    count = len(numbers)
    return Profile(
        frames,
        parent,
        frame,
        time=np.arange(count, dtype=np.int64) * 1000,
        weight=np.array(list(weights.values()), np.int64),
        count=np.ones(count, np.int64),
        stack=np.array(numbers, np.int32),
        span=np.zeros(count, np.uint64),
        process=np.zeros(count, np.int32),
        processes=[Process("host/7", "run", "signal", 10_000_000, "1", 0, 5_000)],
    )


def header(**values: Any) -> ProfileHeader:
    """The first line of a profile file of this version."""
    return ProfileHeader(version=PROFILE_VERSION, **values)


def write_profile(path: Path, samples: Any, pid: int = 7) -> Path:
    """A file of (time, weight, path of (name, file), trace, span)."""
    table = StackTable()
    held = {}
    file = ProfileFile(path, header(host="h", pid=pid, interval_ns=10, sampler="signal"))

    def name(text):
        function, _, where = text.partition("@")
        return Frame(function, where or "program.py", 1)

    for time, weight, stack, *ids in samples:
        number = table.of_texts([held.setdefault(text, text) for text in stack], name)
        row = Sample(time, weight, number, *ids)
        file.write(table, [row], {"until": time, "dropped": 0}, final=False)
    return path
