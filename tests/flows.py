"""Count the modules that data passes on its way: a span to its line in a file, a line to a report.

`python -m tests.flows record` and `python -m tests.flows analyze FILE` print, as JSON, the modules
of rbtrace whose functions ran, and how often a call crossed from one module into another. What
happens once per process (imports, the first span, the first flush) is done before counting begins.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Self

_PATIENCE_S = 60


class Passage(NamedTuple):
    """The modules that were passed, and how many calls went from each into another."""

    modules: list[str]
    crossings: int


class Counting:
    """Counts calls between modules of rbtrace, in every thread, while it is entered."""

    def __init__(self) -> None:
        self._crossings: Counter[tuple[str, str]] = Counter()
        self._modules: set[str] = set()

    def __enter__(self) -> Self:
        threading.setprofile_all_threads(self._profile)
        return self

    def __exit__(self, *_exception: object) -> None:
        threading.setprofile_all_threads(None)  # type: ignore[arg-type]

    def _profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        callee = frame.f_globals.get("__name__", "")
        if not callee.startswith("rbtrace"):
            return
        self._modules.add(callee)
        caller = frame.f_back.f_globals.get("__name__", "") if frame.f_back else ""
        if caller.startswith("rbtrace") and caller != callee:
            self._crossings[caller, callee] += 1

    def passage(self) -> Passage:
        """What was counted."""
        return Passage(sorted(self._modules), self._crossings.total())


def record() -> Passage:
    """One span with one hot call, until its line is in the file."""
    import rbtrace

    @rbtrace.traced(hot=True)
    def price() -> None:
        pass

    def work() -> None:
        with rbtrace.span("work"):
            price()

    work()
    _wait_for_lines(2)
    with Counting() as counting:
        work()
        _wait_for_lines(4)
    return counting.passage()


def analyze(path: str) -> Passage:
    """Every line of a file, until the report is text."""
    import rbtrace

    rbtrace.analyze(path).to_markdown()
    with Counting() as counting:
        rbtrace.analyze(path).to_markdown()
    return counting.passage()


def _wait_for_lines(count: int) -> None:
    """Wait until spans are in the file: the thread that writes them does so once a second."""
    deadline = time.monotonic() + _PATIENCE_S
    while _spans_in_files() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {count} spans were written")
        time.sleep(0.05)


def _spans_in_files() -> int:
    folder = Path(os.environ["RBTRACE_DIR"])
    return sum(path.read_bytes().count(b'"spanId"') for path in folder.rglob("*.otlp.jsonl"))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    passage = {"record": record, "analyze": analyze}[command](*arguments)
    print(json.dumps(passage._asdict(), indent=1))
