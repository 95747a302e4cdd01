"""What the programs trace: each traced call counts itself before it ends."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
from collections.abc import Callable, Iterator

from counter import count

import rbtrace


@rbtrace.traced(hot=True)
def hot(number: int) -> int:
    count("call", "hot")
    return number


@rbtrace.traced
def task(calls: int) -> int:
    count("span", "task")
    return sum(hot(1) for _ in range(calls))


@rbtrace.traced
async def step(calls: int) -> int:
    count("span", "step")
    return sum(hot(1) for _ in range(calls))


@contextlib.contextmanager
def counted_span(name: str) -> Iterator[None]:
    with rbtrace.span(name):
        count("span", name)
        yield


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition never came true")
        time.sleep(0.002)


def tallies(pid: int | None = None) -> set[bytes]:
    """What the processes of this run, or one of them, say they have recorded."""
    folder = pathlib.Path(os.environ["RBTRACE_DIR"])
    found = set()
    for path in folder.rglob(f"*-{pid or '*'}-*.tally"):
        with contextlib.suppress(FileNotFoundError):
            found.add(path.read_bytes())
    return found
