"""Recursion: how deep a program gets, and what it is told there."""

from __future__ import annotations

import sys
import threading

from common import main, work

import rbtrace

SOME_FRAMES = 25
"""Of the callers, and of the innermost call."""


@rbtrace.traced
def descend(depth: int) -> int:
    return 1 + descend(depth - 1) if depth else 0


@rbtrace.traced(hot=True)
def descend_hot(depth: int) -> int:
    return 1 + descend_hot(depth - 1) if depth else 0


def with_spans(depth: int) -> int:
    with rbtrace.span("level"):
        return 1 + with_spans(depth - 1) if depth else 0


def deepest(function) -> int:
    """The greatest depth that does not raise."""
    low, high = 1, sys.getrecursionlimit() + 10
    while low < high:
        middle = (low + high + 1) // 2
        try:
            function(middle)
            low = middle
        except RecursionError:
            high = middle - 1
    return low


def depth_reached() -> None:
    """The depth that traced functions reach within the limit: it was halved, or quartered."""
    limit = sys.getrecursionlimit()
    for function in (descend, descend_hot, with_spans):
        print(function.__name__, deepest(function) > limit - SOME_FRAMES)


def under_a_high_limit() -> None:
    """A limit that the program raises itself, and a depth within it."""
    sys.setrecursionlimit(20_000)
    print(descend(5000), descend_hot(5000), with_spans(5000))


def under_a_low_limit() -> None:
    """A limit that is too low for tracing's own work: the program still gets what fits."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(60)
    try:
        print(descend(5), descend_hot(5), with_spans(5))
    finally:
        sys.setrecursionlimit(limit)
    print(work())


def limit_kept() -> None:
    """The recursion limit reads as the program set it, before, within and after traced calls."""
    read = []

    @rbtrace.traced
    def inside() -> None:
        read.append(sys.getrecursionlimit())
        sys.setrecursionlimit(1500)

    inside()
    print(read, sys.getrecursionlimit(), work(), sys.getrecursionlimit())


def endless() -> None:
    """An endless recursion ends by RecursionError, caught far outside, and tracing goes on."""

    @rbtrace.traced
    def for_ever() -> None:
        for_ever()

    @rbtrace.traced(hot=True)
    def for_ever_hot() -> None:
        for_ever_hot()

    for function in (for_ever, for_ever_hot):
        for _ in range(3):
            try:
                function()
            except RecursionError as problem:
                print(str(problem).partition(":")[0].partition(" while")[0])
    print(work())


def in_small_stacks() -> None:
    """Threads with the smallest stacks."""
    results = []
    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=lambda: results.append((descend(200), descend_hot(200))))
    thread.start()
    thread.join()
    threading.stack_size(before)
    print(results, work())


def mutual() -> None:
    """Functions that call one another, and themselves through sorted, map and a comparison."""

    @rbtrace.traced
    def even(number: int) -> bool:
        return number == 0 or odd(number - 1)

    @rbtrace.traced(hot=True)
    def odd(number: int) -> bool:
        return number != 0 and even(number - 1)

    @rbtrace.traced
    def through_builtins(depth: int) -> int:
        return sum(map(through_builtins, [depth - 1])) + 1 if depth else 0

    print(even(100), odd(101), through_builtins(100))


if __name__ == "__main__":
    main(
        depth_reached,
        under_a_high_limit,
        under_a_low_limit,
        limit_kept,
        endless,
        in_small_stacks,
        mutual,
    )
