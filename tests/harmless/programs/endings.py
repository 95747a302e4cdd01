"""How programs end, and what still runs at the end."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
import time
import weakref

from common import hot, main, settled, work

import rbtrace


def exits(kind: str) -> None:
    """sys.exit with each kind of argument."""
    work()
    print("before")
    sys.exit({"none": None, "three": 3, "text": "a message", "large": 256 + 7, "object": [1]}[kind])


def raises() -> None:
    """An exception that nobody catches, through traced functions and spans."""

    @rbtrace.traced
    def fail() -> None:
        with rbtrace.span("inner"):
            raise ValueError("nobody catches it")

    print("before")
    fail()


def hooks() -> None:
    """The program's hooks for exceptions: of the main thread, of threads, and unraisable ones."""
    sys.excepthook = lambda kind, problem, _: print("main", kind.__name__, problem)
    threading.excepthook = lambda args: print("thread", args.exc_type.__name__, args.thread.name)
    sys.unraisablehook = lambda args: print("unraisable", args.exc_type.__name__)

    @rbtrace.traced
    def fail() -> None:
        raise ValueError("no")

    class Failing:
        def __del__(self) -> None:
            fail()

    thread = threading.Thread(target=fail, name="mine")
    thread.start()
    thread.join()
    Failing()
    fail()


def order() -> None:
    """Functions registered with atexit run in their order, and may record."""
    atexit.register(print, "first registered")
    settled()
    atexit.register(lambda: print("work at exit", work()))
    threading._register_atexit(print, "before threads are joined")
    atexit.register(print, "last registered")
    print("before")


def failing_at_exit() -> None:
    """A function registered with atexit raises, another exits."""

    def fail() -> None:
        with rbtrace.span("at exit"):
            raise ValueError("at exit")

    atexit.register(fail)
    atexit.register(sys.exit, 5)
    settled()
    print("before")


def threads_at_work() -> None:
    """Threads that are no daemons go on after the main one has ended."""
    go = threading.Event()

    def last() -> None:
        go.wait()
        print("thread", work())

    threading.Thread(target=last).start()
    settled()
    threading._register_atexit(go.set)
    print("main")


def daemon_threads() -> None:
    """Daemon threads are recording while the interpreter ends."""

    def for_ever() -> None:
        while True:
            with rbtrace.span("daemon"):
                hot(1)

    for _ in range(3):
        threading.Thread(target=for_ever, daemon=True).start()
    settled()
    print("main")


def thread_names() -> None:
    """Threads that the program sees, by name and number, and their numbering."""
    settled()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print([one.name for one in threading.enumerate()], threading.active_count(), thread.name)
    print(len(sys._current_frames()), threading.main_thread() is threading.current_thread())


def late_objects() -> None:
    """Finalizers, weak references and generators that record while the interpreter goes away."""

    class Late:
        @rbtrace.traced
        def close(self) -> None:
            work(1)

        def __del__(self) -> None:
            self.close()
            with rbtrace.span("late"):
                pass

    globals()["kept"] = late = Late()
    late.itself = late
    weakref.finalize(late, work, 1)

    @rbtrace.traced
    def numbers():
        try:
            yield 1
        finally:
            work(1)

    globals()["left"] = left = numbers()
    settled()
    print(next(left))


def open_at_exit() -> None:
    """A span is still open when the program ends by sys.exit in a thread, and by the main one."""

    def leave() -> None:
        with rbtrace.span("thread"):
            sys.exit(4)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    span = rbtrace.span("never ended")
    span.__enter__()
    print(work())


def leaves_in_thread() -> None:
    """A thread ends the process with os._exit while the main one works."""
    settled()
    print("before", flush=True)
    threading.Thread(target=os._exit, args=(6,)).start()
    while True:
        work(1)
        time.sleep(0)


def collector_off() -> None:
    """The garbage collector is off, frozen, or has callbacks; it stays as the program set it."""
    gc.disable()
    phases = []
    gc.callbacks.append(lambda phase, _info: phases.append(phase))
    settled()
    print(gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), len(gc.callbacks))
    gc.collect()
    print(len(phases), gc.get_debug(), gc.garbage)


def cycles() -> None:
    """Traced work leaves no garbage in cycles of the program's objects, and no growing number."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(thing, Mine) for thing in gc.get_objects())

    class Mine:
        @rbtrace.traced
        def use(self) -> int:
            with rbtrace.span("use", mine=self):
                return hot(1)

    settled()
    for _ in range(50):
        Mine().use()
    print(alive())


if __name__ == "__main__":
    main(
        exits,
        raises,
        hooks,
        order,
        failing_at_exit,
        threads_at_work,
        daemon_threads,
        thread_names,
        late_objects,
        open_at_exit,
        leaves_in_thread,
        collector_off,
        cycles,
    )
