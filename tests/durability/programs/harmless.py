"""Programs that tracing must not harm: `python harmless.py WHAT` prints a result of its own."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from work import tallies, until

import rbtrace
from rbtrace.recording.operation import Operation
from rbtrace.recording.wrapping import wrap_operation

DEPTH = 10_000


@rbtrace.traced(hot=True)
def hot(number: int) -> int:
    return number + 1


@rbtrace.traced
def work(calls: int = 100) -> int:
    return sum(hot(number) for number in range(calls))


def is_traced() -> bool:
    return os.environ.get("RBTRACE_ENABLED") == "1"


def read_only() -> int:
    """The folder for traces cannot be written."""
    return sum(work() for _ in range(10))


def revoked() -> int:
    """The folder of the run may no longer be written, while the program runs."""
    done = sum(work() for _ in range(10))
    if is_traced():
        until(lambda: bool(tallies()))
        for folder in Path(os.environ["RBTRACE_DIR"]).iterdir():
            folder.chmod(0o500)
    return done + sum(work() for _ in range(10))


def raising_extractors() -> int:
    """The attributes of a call and of its result cannot be taken."""

    def fail(*_: object) -> dict[str, int]:
        raise RuntimeError("no")

    traced_work = work
    if is_traced():
        operation = Operation("outer", before=fail, after=fail)
        traced_work = wrap_operation(work, operation, hot=False)
    return sum(traced_work() for _ in range(10))


class Unprintable:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __bool__ = __hash__ = __len__ = __iter__ = __repr__  # type: ignore[assignment]


def attributes() -> int:
    """Attributes that no encoding holds."""
    values = (
        Unprintable(),
        [Unprintable()],
        {"a": Unprintable()},
        2**200,
        float("nan"),
        "\ud800",
        b"\xff",
        [1, "a"],
        None,
        object,
    )
    for value in values:
        with rbtrace.span("odd", value=value):
            work()
    return len(values)


def clock_back() -> int:
    """The system clock goes back by an hour with every reading."""
    started, real = time.time_ns(), time.time_ns
    steps = itertools.count(1)
    time.time_ns = lambda: started - 3_600_000_000_000 * next(steps)
    try:
        return sum(work() for _ in range(10))
    finally:
        time.time_ns = real


@rbtrace.traced
def descend(depth: int) -> int:
    return descend(depth - 1) + 1 if depth else 0


@rbtrace.traced(hot=True)
def descend_hot(depth: int) -> int:
    return descend_hot(depth - 1) + 1 if depth else 0


def recursion() -> int:
    """Traced functions that call themselves ten thousand times."""
    sys.setrecursionlimit(20 * DEPTH)
    return descend(DEPTH) + descend_hot(DEPTH)


@rbtrace.traced
def count_up() -> Iterator[int]:
    for number in itertools.count():
        work(1)
        yield number


UNFINISHED = []


def generator() -> int:
    """One generator is thrown away unfinished, another is still there at the end."""
    first, second = count_up(), count_up()
    UNFINISHED.append(second)
    total = next(first) + next(first) + next(second)
    del first
    return total + work()


KINDS: tuple[Callable[[], int], ...] = (
    read_only,
    revoked,
    raising_extractors,
    attributes,
    clock_back,
    recursion,
    generator,
)

if __name__ == "__main__":
    (what,) = [kind for kind in KINDS if kind.__name__ == sys.argv[1]]
    print(what())
    sys.exit(7)
