"""A parallel search whose processes measure what flushing and exiting cost them.

`python cost.py DATA FOLDER` lets every process write, after each flush, the CPU time spent in all
flushes so far, the CPU time of the process so far and the time since its first flush, in ns, to a
file of its own in FOLDER.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counter import count

from rbtrace.scenarios import engine, searches
from rbtrace.telemetry.pipeline import Pipeline

TIMED = ("flush", "shutdown", "before_fork", "after_fork")
_spent: dict[int, int] = {}
_depth: dict[int, int] = {}
_since: dict[int, int] = {}


def timed(function: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """Add up the thread's CPU time in the outermost of the timed functions."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        pid, started = os.getpid(), time.thread_time_ns()
        _since.setdefault(pid, time.monotonic_ns())
        outermost = not _depth.get(pid)
        _depth[pid] = _depth.get(pid, 0) + 1
        try:
            return function(*args, **kwargs)
        finally:
            _depth[pid] -= 1
            if outermost:
                _spent[pid] = _spent.get(pid, 0) + time.thread_time_ns() - started
                elapsed = time.monotonic_ns() - _since[pid]
                figures = f"{_spent[pid]} {time.process_time_ns()} {elapsed}"
                (folder / str(pid)).write_text(figures, encoding="ascii")

    return call


def main(data: str, folder: str) -> None:
    engine.prepare(Path(data), "rbtrace-goog")
    for name in TIMED:
        setattr(Pipeline, name, timed(getattr(Pipeline, name), Path(folder)))
    searches.parallel_grid_search(searches.Objective("2005-01-03", "2005-06-30"), workers=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
    count("end")
