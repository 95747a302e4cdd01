"""State of the process that programs read or set: random numbers, clocks, patched functions."""

from __future__ import annotations

import builtins
import decimal
import io
import locale
import multiprocessing
import os
import pathlib
import random
import sys
import threading
import time
import uuid

from common import flush, in_child, main, settled, work

import rbtrace


def random_numbers() -> None:
    """Random numbers after a seed are the same, in children and threads, too."""
    random.seed(1)
    settled()
    print(random.random(), random.getstate()[1][:2])
    in_child(lambda: random.seed(2) or print(random.random(), flush=True))
    work()
    print(random.random(), uuid.uuid5(uuid.NAMESPACE_DNS, "a"))


def numpy_numbers() -> None:
    """numpy's global random numbers, error state and print options are the same."""
    import numpy as np

    np.random.seed(1)
    settled()
    for _ in range(3):
        work()
    print(np.random.random(3), np.geterr(), np.get_printoptions()["precision"])


def hashes() -> None:
    """With a fixed seed of hashes, sets come in the same order."""
    settled()
    print(list({"AAPL", "MSFT", "GOOG", "AMZN"}), hash("AAPL"))


def stopped_clock() -> None:
    """All clocks of the time module stand still or jump, as freezegun makes them."""
    settled()
    real = {
        name: getattr(time, name)
        for name in (
            "time",
            "time_ns",
            "monotonic",
            "perf_counter",
            "monotonic_ns",
            "perf_counter_ns",
            "sleep",
        )
    }
    for name in real:
        setattr(time, name, lambda *_: 1_000_000)
    for _ in range(5):
        work()
    flush()
    print(time.time(), time.monotonic_ns(), time.sleep(1000))
    for name, function in real.items():
        setattr(time, name, function)
    work()


def stopped_clock_first() -> None:
    """Clocks are replaced before rbtrace records, by functions that raise."""

    def fail(*_: object) -> float:
        raise RuntimeError("no time here")

    real = time.time, time.perf_counter, time.sleep
    time.time = time.perf_counter = time.sleep = fail
    settled()
    time.time, time.perf_counter, time.sleep = real
    print(work())


def patched_files() -> None:
    """open, os.open and pathlib are replaced by a file system in memory, as pyfakefs makes one."""
    settled()
    opened, real, real_os = [], builtins.open, (os.open, os.mkdir, os.stat, os.rename, os.replace)

    def fake(name, *_arguments, **_options):
        opened.append(str(name))
        return io.StringIO()

    def refuse(*_arguments, **_options):
        raise FileNotFoundError("there are no files here")

    builtins.open = io.open = fake
    os.open = os.mkdir = os.stat = os.rename = os.replace = refuse
    work()
    flush()
    with open("mine") as mine:
        mine.write("a")
    builtins.open = io.open = real
    os.open, os.mkdir, os.stat, os.rename, os.replace = real_os
    print("mine" in opened, pathlib.Path("mine").exists(), work())


def patched_threads() -> None:
    """threading.Thread, Lock and start are replaced by the program's own."""
    started = []

    class Mine(threading.Thread):
        def start(self) -> None:
            started.append(self.name)
            super().start()

    real = threading.Thread
    threading.Thread = Mine
    settled()
    thread = threading.Thread(target=work, name="mine")
    thread.start()
    thread.join()
    threading.Thread = real
    print(started)


def patched_process() -> None:
    """os.fork, os.getpid and os.kill are replaced."""
    settled()
    calls = []
    real = os.getpid, os.fork
    os.getpid = lambda: calls.append("getpid") or real[0]()
    os.fork = lambda: calls.append("fork") or real[1]()
    print(in_child(work), work())
    os.getpid, os.fork = real
    print([name for name in calls if name == "fork"])


def settings_kept() -> None:
    """Switch interval, float and decimal contexts, locale, encodings, niceness stay."""

    def read() -> list:
        return [
            sys.getswitchinterval(),
            sys.getrecursionlimit(),
            decimal.getcontext().prec,
            locale.setlocale(locale.LC_ALL),
            sys.getfilesystemencoding(),
            os.nice(0),
            sorted(os.sched_getaffinity(0)) == sorted(os.sched_getaffinity(os.getppid())),
            time.tzname,
            multiprocessing.get_start_method(allow_none=True),
            threading.stack_size(),
            sys.gettrace(),
            sys.getprofile(),
            sys.flags.dev_mode,
            sys.get_int_max_str_digits(),
            sys.get_asyncgen_hooks(),
            sys.displayhook is sys.__displayhook__,
            sys.excepthook is sys.__excepthook__,
            threading.excepthook is threading.__excepthook__,
            sys.unraisablehook is sys.__unraisablehook__,
        ]

    first = read()
    settled()
    print(first, read() == first)


def start_method() -> None:
    """The program sets the start method itself, once, after its first spans."""
    settled()
    multiprocessing.set_start_method("spawn")
    try:
        multiprocessing.set_start_method("fork")
    except RuntimeError as problem:
        print(problem)
    print(multiprocessing.get_start_method())


def variables_seen() -> None:
    """Variables of the environment, but for rbtrace's own."""
    settled()
    with rbtrace.span("within"):
        print(sorted(name for name in os.environ if not name.startswith(("RBTRACE_", "OTEL_"))))


def interpreters() -> None:
    """A subinterpreter imports and uses rbtrace; its parent goes on."""
    if sys.version_info >= (3, 13):
        import _interpreters as sub
    else:
        import _xxsubinterpreters as sub

    settled()
    number = sub.create()
    code = """
import sys
sys.path[:] = {path!r}
import rbtrace
with rbtrace.span("within"):
    print("within", flush=True)
"""
    try:
        sub.run_string(number, code.format(path=sys.path))
    except Exception as problem:  # noqa: BLE001
        print(type(problem).__name__)
    sub.destroy(number)
    print(work())


def interactive() -> None:
    """The code module runs a session of its own."""
    import code

    console = code.InteractiveConsole({"work": work})
    for line in ("total = work()", "print(total)", "1 / 0"):
        console.push(line)


def frames() -> None:
    """The program looks at its own frames: locals, callers, names."""

    @rbtrace.traced
    def look() -> list:
        names = []
        frame = sys._getframe()
        while frame:
            if frame.f_code.co_filename == __file__:
                names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    with rbtrace.span("within"):
        print(look(), sorted(locals()))


if __name__ == "__main__":
    main(
        random_numbers,
        numpy_numbers,
        hashes,
        stopped_clock,
        stopped_clock_first,
        patched_files,
        patched_threads,
        patched_process,
        settings_kept,
        start_method,
        variables_seen,
        interpreters,
        interactive,
        frames,
    )
