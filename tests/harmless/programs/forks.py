"""Forked children, and how they end."""

from __future__ import annotations

import os
import pty
import signal
import sys
import threading
import time

from common import ended, flush, hot, in_child, main, settled, work

import rbtrace


def endings() -> None:
    """Children leave by os._exit, sys.exit and an exception; what they recorded is kept."""
    settled()

    def exits() -> None:
        work()
        os._exit(3)

    print(in_child(exits))
    for action in (sys.exit, fail):
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            work()
            action(4)
        print(ended(pid))


def fail(_status: int) -> None:
    raise ValueError("a child fails")


def without_span() -> None:
    """A child that records nothing prints what its parent had buffered once, and ends at once."""
    settled()
    print(in_child(lambda: None), in_child(lambda: os._exit(5)))


def killed() -> None:
    """Children end by signals: before their first span, and after it."""
    settled()
    for first in (lambda: None, work):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP):

            def die(first=first, number=number) -> None:
                first()
                flush()
                os.kill(os.getpid(), number)
                threading.Event().wait()

            print(in_child(die))


def terminated_by_parent() -> None:
    """A child that has no span waits in a lock, a sleep or a read, and is sent SIGTERM."""
    settled()
    for wait in (threading.Lock, time.sleep, os.read):
        ready, to_parent = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(to_parent, b"!")
            if wait is time.sleep:
                time.sleep(1000)
            elif wait is os.read:
                os.read(os.pipe()[0], 1)
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        os.read(ready, 1)
        os.kill(pid, signal.SIGTERM)
        print(ended(pid))
        os.close(ready)
        os.close(to_parent)


def chain() -> None:
    """Ten generations, each a child of the last, each with a span."""
    sys.stdout.flush()

    def generation(left: int) -> None:
        work(1)
        if left:
            os._exit(in_child(lambda: generation(left - 1)))
        os._exit(0)

    print(in_child(lambda: generation(9)))


def many_in_a_span() -> None:
    """Children that are forked within an open span neither end nor report it."""
    with rbtrace.span("outer"):
        hot(1)
        print([in_child(work) for _ in range(10)])


def within_hot_calls() -> None:
    """A child is forked while hot calls are under way."""

    @rbtrace.traced(hot=True)
    def forking() -> int:
        return in_child(work)

    with rbtrace.span("outer"):
        print(forking())


def from_a_thread() -> None:
    """A thread forks while others record."""
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            with rbtrace.span("beside"):
                pass

    beside = threading.Thread(target=record)
    beside.start()
    results = []
    thread = threading.Thread(target=lambda: results.extend(in_child(work) for _ in range(10)))
    thread.start()
    thread.join()
    stop.set()
    beside.join()
    print(results)


def others_hooks() -> None:
    """The program's own hooks of forks run in their order, and see no thread of ours."""
    said = []

    def see(where: str) -> None:
        said.append((where, [thread.name for thread in threading.enumerate()]))

    os.register_at_fork(
        before=lambda: see("before"),
        after_in_parent=lambda: see("parent"),
        after_in_child=lambda: see("child"),
    )
    settled()

    def tell() -> None:
        print(said, flush=True)

    in_child(tell)
    print(said)


def children_seen() -> None:
    """os.wait gives the program's own children, and then says that there are none."""
    settled()
    sys.stdout.flush()
    pids = set()
    for status in range(4):
        if not (pid := os.fork()):
            os._exit(status)
        pids.add(pid)
    print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in pids))
    try:
        os.wait()
    except ChildProcessError:
        print("no children")


def quiet_under_errors() -> None:
    """With warnings as errors, a fork must not find the threads of tracing: that is a warning."""
    settled()
    print([in_child(work) for _ in range(5)])


def terminal() -> None:
    """A child on a terminal of its own (pty.fork), whose output the parent reads."""
    settled()
    pid, terminal = pty.fork()
    if not pid:
        print("child", os.isatty(1), work(), flush=True)
        os._exit(0)
    text = b""
    try:
        while part := os.read(terminal, 1000):
            text += part
    except OSError:  # the terminal has gone with its last process
        lines = text.decode().splitlines()
        print([line for line in lines if not line.startswith("rbtrace: warning:")], ended(pid))


def orphan() -> None:
    """A grandchild outlives its parent, records, and ends by itself."""
    settled()
    ready, to_us = os.pipe()

    def middle() -> None:
        if not os.fork():
            os.close(ready)
            work()
            flush()
            os.write(to_us, b"done")
            os._exit(0)

    print(in_child(middle))
    os.close(to_us)
    print(os.read(ready, 100), os.read(ready, 100))


def exits_normally_in_child() -> None:
    """A child goes through the whole exit of the interpreter, at the same time as its parent."""
    settled()
    sys.stdout.flush()
    pid = os.fork()
    work()
    if pid:
        print(ended(pid))


def quick_child() -> None:
    """A hundred children that do nothing, as a server forks them: none slow, none left."""
    settled()
    print(sum(in_child(lambda: None) for _ in range(100)))


if __name__ == "__main__":
    main(
        endings,
        without_span,
        killed,
        terminated_by_parent,
        chain,
        many_in_a_span,
        within_hot_calls,
        from_a_thread,
        others_hooks,
        children_seen,
        quiet_under_errors,
        terminal,
        orphan,
        exits_normally_in_child,
        quick_child,
    )
