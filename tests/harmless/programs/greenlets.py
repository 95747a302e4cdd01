"""Greenlets, and gevent's patched standard library."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402
import gevent.pool  # noqa: E402
from common import main, settled, work  # noqa: E402

import rbtrace  # noqa: E402


def many() -> None:
    """A hundred greenlets record at once, and wait in between."""

    def serve(number: int) -> int:
        with rbtrace.span("serving"):
            gevent.sleep(0)
            return work(number % 3)

    pool = gevent.pool.Pool(20)
    print(sum(pool.map(serve, range(100))))


def patched_threads() -> None:
    """Threads that are greenlets; locks, queues and events that are gevent's."""
    settled()
    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print([thread.is_alive() for thread in threads])


def terminated() -> None:
    """SIGTERM with the default action: the patched sleep in our handler ended workers with 255."""
    settled()
    print("before", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    gevent.sleep(1000)


def worker() -> None:
    """A worker as gunicorn makes them: forked, own handler of SIGTERM, leaves by sys.exit."""
    settled()
    sys.stdout.flush()
    pid = gevent.os.fork()
    if not pid:
        running = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: running.set())
        gevent.spawn(work).join()
        os.kill(os.getpid(), signal.SIGTERM)
        while not running.is_set():
            gevent.sleep(0.01)
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def raising_in_the_loop() -> None:
    """A handler of gevent's own (gevent.signal_handler) that raises in the main greenlet."""
    gevent.signal_handler(signal.SIGTERM, sys.exit, 6)
    settled()
    print("before", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    gevent.sleep(1000)


def killed_greenlet() -> None:
    """A greenlet is killed within its span; another times out."""

    def serve() -> None:
        with rbtrace.span("serving"):
            time.sleep(1000)

    greenlet = gevent.spawn(serve)
    gevent.sleep(0)
    greenlet.kill()
    with gevent.Timeout(0.01, False):
        serve()
    print(greenlet.ready(), work())


if __name__ == "__main__":
    main(many, patched_threads, terminated, worker, raising_in_the_loop, killed_greenlet)
