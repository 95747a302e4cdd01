"""A program that records spans, hot calls, a sampled stretch, and tasks in a pool of processes."""

from __future__ import annotations

import multiprocessing
import time

import rbtrace


@rbtrace.traced(hot=True)
def indicator(number: int) -> int:
    return number * number


@rbtrace.traced
def backtest(number: int) -> int:
    return sum(indicator(step) for step in range(number))


@rbtrace.traced
def busy() -> None:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        sum(range(1000))


def main() -> None:
    with rbtrace.span("search", trials=4):
        busy()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(backtest, [10, 20, 30, 40]))


if __name__ == "__main__":
    main()
