"""A program that ends in one of the ways programs end: `python endings.py WAY [TASKS]`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from types import FrameType

from counter import count, how_many
from work import counted_span, hot, tallies, task, until

import rbtrace


@rbtrace.traced(hot=True)
def last_call(way: str) -> None:
    """The end comes within a hot call within a span."""
    count("call", "last_call")
    hot(1)
    count("end")
    WAYS[way]()


def leave() -> None:
    sys.exit(3)


def fail() -> None:
    raise RuntimeError("it went wrong")


def be_interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def be_terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def handle_termination() -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        sys.exit(5)

    signal.signal(signal.SIGTERM, handle)


def be_terminated_with_a_late_handler() -> None:
    handle_termination()
    be_terminated()


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def return_() -> None:
    """The ordinary end."""


WAYS = {
    "return": return_,
    "sys.exit": leave,
    "exception": fail,
    "SIGINT": be_interrupted,
    "SIGTERM": be_terminated,
    "SIGTERM-handler": be_terminated,
    "SIGTERM-late-handler": be_terminated_with_a_late_handler,
    "SIGKILL": be_killed,
}


def work_for_two_flushes() -> None:
    """Work until this process has made its counts and changed them twice: a part is at stake."""
    for _ in range(3):
        before = tallies(os.getpid())

        def have_changed(then: set[bytes] = before) -> bool:
            task(3)
            return tallies(os.getpid()) != then

        until(have_changed)


def kill_a_worker() -> None:
    """A worker that somebody else kills at work."""
    worker = multiprocessing.get_context("fork").Process(target=worker_at_work)
    worker.start()
    until(lambda: how_many("mark") == 1)
    worker.kill()
    worker.join()
    count("end")


def worker_at_work() -> None:
    with counted_span("stuck"):
        work_for_two_flushes()
        count("mark")
        while True:
            task(3)


def main(way: str, tasks: str = "20") -> None:
    if way == "SIGTERM-handler":
        handle_termination()
    with counted_span("run"):
        for _ in range(int(tasks)):
            task(10)
        with counted_span("inner"):
            if way == "SIGKILL-worker":
                kill_a_worker()
                return
            if way == "SIGKILL":
                work_for_two_flushes()
            last_call(way)


if __name__ == "__main__":
    main(*sys.argv[1:])
