"""Speedscope JSON: one profile for each process, its samples in order of time."""

from __future__ import annotations

import msgspec
import numpy as np

from rbtrace.profiling.flamegraph.profile import Profile
from rbtrace.version import __version__

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def to_speedscope(profile: Profile, title: str) -> str:
    """Write the file that https://www.speedscope.app opens."""
    numbers = _frame_numbers(profile)
    profiles = []
    for code, process in enumerate(profile.processes):
        rows = np.flatnonzero(profile.process == code)
        if not rows.size:
            continue
        rows = rows[np.argsort(profile.time[rows], kind="stable")]
        weights = profile.weight[rows].tolist()
        profiles.append(
            {
                "type": "sampled",
                "name": process.name,
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [numbers[stack] for stack in profile.stack[rows].tolist()],
                "weights": weights,
            }
        )
    document = {
        "$schema": _SCHEMA,
        "name": title,
        "exporter": f"rbtrace {__version__}",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {"name": frame.name}
                | ({"file": frame.file} if frame.file else {})
                | ({"line": frame.line} if frame.line else {})
                for frame in profile.frames
            ]
        },
        "profiles": profiles,
    }
    return msgspec.json.encode(document).decode() + "\n"


def _frame_numbers(profile: Profile) -> list[list[int]]:
    """The frames of every stack, outermost first."""
    numbers: list[list[int]] = [[]]
    for parent, frame in zip(profile.parent[1:].tolist(), profile.frame[1:].tolist(), strict=True):
        numbers.append([*numbers[parent], frame])
    return numbers
