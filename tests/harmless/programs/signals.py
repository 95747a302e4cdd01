"""Signals: their actions, handlers and where they arrive."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

from common import ended, flush, in_child, main, settled, work

import rbtrace

NUMBERS = ("SIGHUP", "SIGINT", "SIGTERM", "SIGCHLD", "SIGPROF", "SIGURG", "SIGUSR1", "SIGALRM")

SENDER = """
import os, signal, sys
pid, state = int(sys.argv[1]), sys.argv[2]
while open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != state:
    pass
os.kill(pid, signal.SIGTERM)
"""
"""Waits until a process sleeps in the kernel, or is at work."""


def told(*what: object) -> None:
    print(*what, flush=True)


def handler(number: int, _frame: object) -> None:
    told("handled", signal.Signals(number).name)


def default(how: str) -> None:
    """SIGTERM with its default action ends the program, and its spans are kept."""
    settled()
    told("before")
    send(how)
    threading.Event().wait()


def send(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGTERM)
    elif how == "raise_signal":
        signal.raise_signal(signal.SIGTERM)
    elif how == "thread":
        pid = os.getpid()
        threading.Thread(target=os.kill, args=(pid, signal.SIGTERM)).start()
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)


def sent_while_waiting(where: str) -> None:
    """SIGTERM from another process arrives in a sleep, a lock, select, a read or a long C call."""
    settled()
    told("before")
    state = "R" if where == "gil" else "S"
    sender = subprocess.Popen([sys.executable, "-IS", "-c", SENDER, str(os.getpid()), state])
    if where == "sleep":
        time.sleep(1000)
    elif where == "select":
        select.select([], [], [])
    elif where == "read":
        os.read(os.pipe()[0], 1)
    elif where == "gil":
        while True:
            sum(range(3_000_000))
    elif where == "child":
        sender.wait()
        threading.Event().wait()
    else:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()


def own_handler_before() -> None:
    """A handler that was there before the first span is called, once."""
    signal.signal(signal.SIGTERM, handler)
    settled()
    send("kill")
    print(work())


def own_handler_after() -> None:
    """A handler that is installed after the first span is the one that is called."""
    settled()
    before = signal.signal(signal.SIGTERM, handler)
    send("kill")
    told(work())
    signal.signal(signal.SIGTERM, before)
    send("kill")
    threading.Event().wait()


def raising_handler() -> None:
    """A handler raises: the exception arrives where the program was interrupted, only there."""

    def stop(_number: int, _frame: object) -> None:
        raise TimeoutError("stop")

    signal.signal(signal.SIGTERM, stop)
    settled()
    for how in ("kill", "raise_signal", "pthread_kill"):
        try:
            send(how)
            time.sleep(1000)
        except TimeoutError as problem:
            told(how, problem)
    work()


def exiting_handler() -> None:
    """A handler that calls sys.exit, as servers do."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(100 + number))
    settled()
    told("before")
    with rbtrace.span("serving"):
        send("kill")
        time.sleep(1000)


def handler_with_work() -> None:
    """A handler records spans itself, at any moment of the recording of others."""
    signal.signal(signal.SIGALRM, lambda *_: work(1))
    settled()
    for _ in range(300):
        signal.raise_signal(signal.SIGALRM)
        work(1)
    told("done")


def ignored() -> None:
    """A program that ignores SIGTERM goes on ignoring it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settled()
    send("kill")
    told(signal.getsignal(signal.SIGTERM), work())
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    told(in_child(lambda: send("kill")))


def asked() -> None:
    """What getsignal says of every signal, before and after spans, and in a child."""
    for moment in ("first", "then"):
        told(moment, {name: str(signal.getsignal(getattr(signal, name))) for name in NUMBERS})
        settled()
    in_child(lambda: told(str(signal.getsignal(signal.SIGTERM))))


def interrupted() -> None:
    """SIGINT is a KeyboardInterrupt, with the same traceback and status."""
    settled()
    told("before")
    with rbtrace.span("serving"):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1000)


def interrupted_and_caught() -> None:
    """A KeyboardInterrupt that the program catches, many times, in the midst of recording."""
    settled()
    caught = 0
    for _ in range(200):
        try:
            with rbtrace.span("serving"):
                signal.raise_signal(signal.SIGINT)
                work(1)
        except KeyboardInterrupt:
            caught += 1
    told(caught)


def hung_up() -> None:
    """SIGHUP ends the program by default; the spans that were flushed are there."""
    settled()
    told("before")
    os.kill(os.getpid(), signal.SIGHUP)
    threading.Event().wait()


def children_end() -> None:
    """A handler of SIGCHLD is called for the program's own children, and for no others."""
    calls = []
    signal.signal(signal.SIGCHLD, lambda number, _frame: calls.append(number))
    settled()
    for _ in range(5):
        in_child(lambda: None)
    while len(calls) < 5:
        time.sleep(0.002)
    flush()
    told(len(calls))


def timers() -> None:
    """The program's own timers (setitimer, alarm) go off as often as it asked."""
    counts = dict.fromkeys((signal.SIGALRM, signal.SIGVTALRM), 0)

    def count(number: int, _frame: object) -> None:
        counts[number] += 1

    for number in counts:
        signal.signal(number, count)
    settled()
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.02, 0.02)
    while min(counts.values()) < 3:
        work(1)
    told(signal.setitimer(signal.ITIMER_REAL, 0)[1], signal.setitimer(signal.ITIMER_VIRTUAL, 0)[1])


def profiling_timer() -> None:
    """A profiler of the program's own uses SIGPROF and ITIMER_PROF."""
    ticks = []
    signal.signal(signal.SIGPROF, lambda number, _frame: ticks.append(number))
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    settled()
    while len(ticks) < 5:
        work(1)
    told(signal.setitimer(signal.ITIMER_PROF, 0)[1], signal.getsignal(signal.SIGPROF) is not None)


def urgent() -> None:
    """The program uses SIGURG for urgent data: it must hear of that, and of nothing else."""
    heard = []
    signal.signal(signal.SIGURG, lambda number, _frame: heard.append(number))
    settled()
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        import fcntl

        fcntl.fcntl(accepted, fcntl.F_SETOWN, os.getpid())
        client.send(b"!", socket.MSG_OOB)
        while not heard:
            time.sleep(0.002)
    told(len(heard), accepted.recv(1, socket.MSG_OOB))


def wakeup_fd(when: str) -> None:
    """The program's set_wakeup_fd gets its own signals' bytes, and returns what it did."""
    if when == "after":
        settled()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    told(signal.set_wakeup_fd(theirs.fileno()) == -1)
    settled()
    for _ in range(3):
        signal.raise_signal(signal.SIGUSR1)
        work()
    flush()
    told(list(ours.recv(100)), signal.set_wakeup_fd(-1) == theirs.fileno())


def masked() -> None:
    """Blocked signals and sigwait: no thread of tracing takes them."""
    settled()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    for number in (signal.SIGUSR1, signal.SIGTERM):
        os.kill(os.getpid(), number)
        work()
        told(signal.sigwait({signal.SIGTERM, signal.SIGUSR1}).name)
    told(sorted(signal.sigpending()), len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))


def masked_before() -> None:
    """Signals are blocked before the first span; a thread of the program waits for them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    settled()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(signal.sigwait({signal.SIGTERM})))
    thread.start()
    os.kill(os.getpid(), signal.SIGTERM)
    thread.join()
    told([number.name for number in taken])


def in_event_loop() -> None:
    """Handlers of asyncio (add_signal_handler), which has a wakeup descriptor of its own."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        work()
        os.kill(os.getpid(), signal.SIGTERM)
        await stopped.wait()
        told("stopped", loop.remove_signal_handler(signal.SIGTERM))

    settled()
    asyncio.run(serve())
    work()


def asyncio_interrupted() -> None:
    """asyncio.run turns SIGINT into a cancellation of the main task."""

    async def serve() -> None:
        with rbtrace.span("serving"):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(1000)

    settled()
    try:
        asyncio.run(serve())
    except KeyboardInterrupt as problem:
        told(type(problem.__context__ or problem.__cause__).__name__)


def child_before_its_span() -> None:
    """A fork's child has the default action until it records: it ends at once by SIGTERM."""
    settled()
    told([in_child(lambda: send("kill")) for _ in range(20)])


def child_own_handler() -> None:
    """A child sets a handler of its own, or the default action, as the first thing it does."""
    settled()

    def default_action() -> None:
        told(signal.signal(signal.SIGTERM, signal.SIG_DFL))
        send("kill")

    def exiting() -> None:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
        work()
        send("kill")

    told(in_child(default_action), in_child(exiting))


def faults() -> None:
    """faulthandler's registered signals and timers write what they do untraced."""
    settled()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR2, all_threads=False)
    signal.raise_signal(signal.SIGUSR2)
    faulthandler.dump_traceback_later(0.05, exit=False)
    with open("/proc/self/stat", "rb") as stat:
        stat.read()
    faulthandler.cancel_dump_traceback_later()
    told(faulthandler.is_enabled(), faulthandler.unregister(signal.SIGUSR2))


def crash() -> None:
    """A crash (SIGSEGV) under faulthandler ends as untraced."""
    settled()
    faulthandler.enable(all_threads=False)
    told("before")
    faulthandler._sigsegv()


def group() -> None:
    """SIGTERM to a whole group of processes, parent and children in the midst of work."""
    settled()
    os.setpgid(0, 0) if os.getpgrp() != os.getpid() else None
    ready, to_us = os.pipe()
    pids = []
    for _ in range(3):
        if not (pid := os.fork()):
            work()
            os.write(to_us, b"!")
            threading.Event().wait()
        pids.append(pid)
    for _ in pids:
        os.read(ready, 1)
    signal.signal(signal.SIGTERM, handler)
    os.killpg(0, signal.SIGTERM)
    told([ended(pid) for pid in pids])


def stopped_and_continued() -> None:
    """A program that is stopped and continued goes on."""
    settled()
    pid = os.fork()
    if not pid:
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        sys.exit(6)
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    told(ended(pid))


def from_a_thread_first() -> None:
    """The first span comes from a thread; SIGTERM does what it does untraced."""
    thread = threading.Thread(target=settled)
    thread.start()
    thread.join()
    told("before")
    send("kill")
    time.sleep(1000)


if __name__ == "__main__":
    main(
        default,
        sent_while_waiting,
        own_handler_before,
        own_handler_after,
        raising_handler,
        exiting_handler,
        handler_with_work,
        ignored,
        asked,
        interrupted,
        interrupted_and_caught,
        hung_up,
        children_end,
        timers,
        profiling_timer,
        urgent,
        wakeup_fd,
        masked,
        masked_before,
        in_event_loop,
        asyncio_interrupted,
        child_before_its_span,
        child_own_handler,
        faults,
        crash,
        group,
        stopped_and_continued,
        from_a_thread_first,
    )
