"""Prints what a disabled `ProfileContext` costs: ns per use, and around a loop as a ratio.

The ratio is the median of pairs that take turns, in CPU time: what else runs cannot favour one.
"""

from __future__ import annotations

import json
import statistics
import time
import timeit

from rbtrace.profiling import ProfileContext


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def work():
    return sum(range(3000))


def profiled():
    with ProfileContext("work", enabled=False):
        work()


def use():
    with ProfileContext("work", enabled=False):
        pass


def bare_with():
    with _Nothing():
        pass


def least_ns(function):
    return min(timeit.repeat(function, number=200, repeat=50)) / 200 * 1e9


def cpu_seconds(function):
    return timeit.timeit(function, timer=time.process_time, number=200)


if __name__ == "__main__":
    figures = {
        "use_ns": least_ns(use) - least_ns(lambda: None),
        "bare_with_ns": least_ns(bare_with),
        "ratio": statistics.median(cpu_seconds(profiled) / cpu_seconds(work) for _ in range(101)),
    }
    print(json.dumps(figures))
