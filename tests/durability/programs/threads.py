"""Threads and coroutines: `python threads.py KIND`."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from counter import count
from work import counted_span, hot, step, task

import rbtrace


def bare_thread(calls: int) -> None:
    hot(1)  # in no span of this thread
    task(calls)


def threads() -> None:
    started = [threading.Thread(target=bare_thread, args=(calls,)) for calls in range(20)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def executor() -> None:
    with ThreadPoolExecutor(4) as workers:
        print(sum(workers.map(task, range(50))))


def coroutines() -> None:
    asyncio.run(interleaved())


async def interleaved() -> None:
    print(sum(await asyncio.gather(*(stage(calls) for calls in range(50)))))


async def stage(calls: int) -> int:
    with counted_span("stage"):
        before = await step(calls)
        hot(1)
        await asyncio.sleep(0)
        return before + await step(calls)


def overload() -> None:
    """Four threads as fast as they can: spans of a few microseconds, and hot calls between."""
    started = [threading.Thread(target=flat_out) for _ in range(4)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def flat_out() -> None:
    for _ in range(25_000):
        with rbtrace.span("burst"):
            count("span", "burst")
        hot(1)


KINDS = (threads, executor, coroutines, overload)

if __name__ == "__main__":
    (work,) = [work for work in KINDS if work.__name__ == sys.argv[1]]
    with counted_span("run"):
        work()
    count("end")
