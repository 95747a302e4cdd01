"""Forty forks while another thread records and the exporter exports."""

from __future__ import annotations

import multiprocessing
import threading

from counter import count
from work import counted_span, hot, tallies, task, until

import rbtrace

FORKS = 40
AT_ONCE = 8
PAUSE_S = 0.001


def child(calls: int) -> None:
    hot(1)
    with counted_span("child"):
        task(calls)


def record(is_over: threading.Event) -> None:
    while not is_over.wait(PAUSE_S):
        with rbtrace.span("burst"):
            count("span", "burst")


def main() -> None:
    context = multiprocessing.get_context("fork")
    is_over = threading.Event()
    recording = threading.Thread(target=record, args=(is_over,))
    recording.start()
    until(lambda: bool(tallies()))
    ended: list[int | None] = []
    with counted_span("parent"):
        for calls in range(FORKS // AT_ONCE):
            started = [context.Process(target=child, args=(calls,)) for _ in range(AT_ONCE)]
            for one in started:
                one.start()
            for one in started:
                one.join()
            ended += [one.exitcode for one in started]
    is_over.set()
    recording.join()
    if any(ended):
        raise SystemExit(f"children ended with {ended}")


if __name__ == "__main__":
    main()
    count("end")
