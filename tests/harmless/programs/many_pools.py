"""Very many pools in a row: `python many_pools.py KIND HOW NUMBER`."""

from __future__ import annotations

import faulthandler
import multiprocessing
import sys

from common import work
from pools import initialize, leave, plain

import rbtrace

WORKERS = 2
TASKS = 4


def task(_number: int) -> int:
    return work(1)


def one_pool(kind: str, how: str) -> int:
    """Make a pool, give it tasks, leave it; the sum of the results."""
    context = multiprocessing.get_context("fork")
    initializer = initialize if kind == "initializer" else None
    pool = context.Pool(WORKERS, initializer, maxtasksperchild=1 if kind == "replaced" else None)
    results = pool.map(plain if kind == "untraced" else task, range(TASKS), 1)
    leave(pool, how)
    return sum(results)


def nested(how: str) -> int:
    """A pool in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=one_pool, args=("traced", how))
    process.start()
    process.join()
    return process.exitcode


def main(kind: str, how: str, number: int) -> None:
    faulthandler.enable()
    with rbtrace.span("main"):
        for _ in range(number):
            result = nested(how) if kind == "nested" else one_pool(kind, how)
    print(kind, how, number, result)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
