"""Having a test pass or fail by what came of a program."""

from __future__ import annotations

import pytest

from tests.harmless.runner import PROGRAMS as FOLDER

MOST = 3000
"""Letters of a fault that are shown."""


def judge(job, run, runs):
    """Enter a run into the table, and fail if tracing changed anything."""
    runs.append(run)
    if any(run.faults.values()):
        pytest.fail(told(job, run.faults), pytrace=False)


def told(job, faults):
    """What went wrong, the same of several modes once, and how to see it by hand."""
    modes = {}
    for mode, own in faults.items():
        for fault in own:
            modes.setdefault(fault[:MOST], []).append(mode)
    lines = [f"{job.program.name}, Python {job.python}:"]
    lines += [f"- {', '.join(own)}: {fault}" for fault, own in modes.items()]
    lines += [f"By hand: {job.program.by_hand(FOLDER)}"]
    return "\n".join(lines)
