"""A parallel search whose processes measure what flushing and exiting cost them.

`python cost.py DATA FOLDER [LAST]` searches up to a session and prints every score. Each process
writes to a file of its own in FOLDER, after each flush, in ns: the CPU time of all its flushes so
far, the CPU time of the process so far, the time since its first flush, and the time for which
flushing and exiting held it up. That is the time of the clock in the program's own threads, and CPU
time in the thread that flushes.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from counter import count

from rbtrace.recording.export.pipeline import Pipeline
from rbtrace.studies.workloads import engine, searches

FLUSH_AND_EXIT = ("flush", "shutdown")
TIMED = (*FLUSH_AND_EXIT, "before_fork", "after_fork")
OURS = "rbtrace-"
_spent: Counter[int] = Counter()
_held_up: Counter[int] = Counter()
_depth: Counter[tuple[int, int]] = Counter()
_since: dict[int, int] = {}


class Printed(searches.Objective):
    """An objective that prints what it finds, in one write."""

    def __call__(self, parameters: dict[str, Any]) -> Decimal:
        score = super().__call__(parameters)
        os.write(1, f"{sorted(parameters.items())} {score}\n".encode())
        return score


def timed(function: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """Add up the time in the outermost of the timed functions."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        pid, started, started_cpu = os.getpid(), time.monotonic_ns(), time.thread_time_ns()
        _since.setdefault(pid, started)
        place = pid, threading.get_ident()
        outermost = not _depth[place]
        _depth[place] += 1
        try:
            return function(*args, **kwargs)
        finally:
            _depth[place] -= 1
            if outermost:
                ended, cpu = time.monotonic_ns(), time.thread_time_ns() - started_cpu
                is_ours = threading.current_thread().name.startswith(OURS)
                _spent[pid] += cpu
                if function.__name__ in FLUSH_AND_EXIT:
                    _held_up[pid] += cpu if is_ours else ended - started
                figures = (_spent[pid], time.process_time_ns(), ended - _since[pid], _held_up[pid])
                (folder / str(pid)).write_text(" ".join(map(str, figures)), encoding="ascii")

    return call


def main(data: str, folder: str, last: str = "2005-06-30") -> None:
    engine.prepare(Path(data), "rbtrace-goog")
    for name in TIMED:
        setattr(Pipeline, name, timed(getattr(Pipeline, name), Path(folder)))
    found = searches.parallel_grid_search(Printed("2005-01-03", last), workers=2)
    print(found.parameters, found.score, found.trials)


if __name__ == "__main__":
    main(*sys.argv[1:])
    count("end")
