"""Debuggers, profilers, coverage, tests and logging in the traced program."""

from __future__ import annotations

import cProfile
import doctest
import faulthandler
import io
import logging
import logging.config
import pdb
import pstats
import sys
import threading
import timeit
import trace
import tracemalloc
import unittest
import warnings
from unittest import mock

from common import flush, hot, main, settled, work

import rbtrace


def of_the_program(frame) -> bool:
    return frame.f_code.co_filename == __file__


def loop(times: int) -> int:
    total = 0
    for _ in range(times):
        total += work(1)
    return total


def covered(core: str) -> None:
    """Coverage measures the same lines, with each of its cores."""
    import coverage

    measured = coverage.Coverage(
        data_file=None,
        config_file=False,
        include=[__file__],
        messages=False,
        branch=core == "ctrace",
    )
    measured.start()
    loop(3)
    thread = threading.Thread(target=loop, args=(2,))
    thread.start()
    thread.join()
    measured.stop()
    print(sorted(measured.get_data().lines(__file__)), core)


def profiled() -> None:
    """cProfile counts the program's own calls as untraced."""
    profile = cProfile.Profile()
    profile.runcall(loop, 5)
    stats = pstats.Stats(profile, stream=io.StringIO()).stats
    own = {name: calls[1] for (file, _, name), calls in stats.items() if file == __file__}
    print(own, sys.getprofile())


def own_trace() -> None:
    """A trace function of the program's own (sys.settrace) sees its own lines."""
    lines = []

    def see(frame, event, _argument):
        if of_the_program(frame):
            lines.append((event, frame.f_lineno))
            return see
        return None

    before = sys.gettrace()
    sys.settrace(see)
    loop(2)
    print(sys.gettrace() is see)
    sys.settrace(before)
    print([event for event, _ in lines])


def own_profile() -> None:
    """A profile function (sys.setprofile, threading.setprofile) sees its own calls."""
    seen = []

    def see(frame, event, _argument):
        if of_the_program(frame) and not event.startswith("c_"):
            seen.append((event, frame.f_code.co_name))

    sys.setprofile(see)
    threading.setprofile(see)
    loop(1)
    thread = threading.Thread(target=loop, args=(1,))
    thread.start()
    thread.join()
    sys.setprofile(None)
    threading.setprofile(None)
    print(seen)


def monitored() -> None:
    """A tool of the program's own under sys.monitoring gets a free number, and its own events."""
    monitoring = sys.monitoring
    print([monitoring.get_tool(number) for number in range(6)])
    seen = []

    def start(code, _offset):
        if code.co_filename == __file__:
            seen.append(code.co_name)

    for number in range(6):
        if monitoring.get_tool(number) is None:
            monitoring.use_tool_id(number, "mine")
            break
    monitoring.register_callback(number, monitoring.events.PY_START, start)
    monitoring.set_events(number, monitoring.events.PY_START)
    loop(3)
    monitoring.set_events(number, 0)
    monitoring.free_tool_id(number)
    print(seen)


def debugged() -> None:
    """A session of pdb: steps and stacks of the program's own functions."""
    debugger = pdb.Pdb(nosigint=True, readrc=False)
    debugger.set_trace()
    total = loop(1)
    print(total)


def traced_lines() -> None:
    """The trace module counts the same lines."""
    counter = trace.Trace(count=True, trace=False)
    counter.runfunc(loop, 2)
    print(sorted((n, c) for (file, n), c in counter.results().counts.items() if file == __file__))


@rbtrace.traced
def documented(number: int) -> int:
    """Doubles.

    >>> documented(2)
    4
    """
    return 2 * number


def doctested() -> None:
    """doctest finds and runs the examples of traced functions."""
    finder = doctest.DocTestFinder(recurse=False)
    for test in finder.find(documented, "documented", module=sys.modules["__main__"]):
        print(doctest.DocTestRunner().run(test))
    print(doctest.testmod().attempted)


class Case(unittest.TestCase):
    """Tests of traced functions."""

    def test_result(self) -> None:
        self.assertEqual(documented(2), 4)

    def test_warning(self) -> None:
        with self.assertNoLogs():
            work()
        with self.assertWarns(UserWarning), rbtrace.span("warning"):
            warnings.warn("mine", stacklevel=1)

    def test_mock(self) -> None:
        with mock.patch(f"{__name__}.documented", autospec=True, return_value=1) as mocked:
            self.assertEqual(documented(5), 1)
            mocked.assert_called_once_with(5)


def unittested() -> None:
    """unittest runs, with mocks of traced functions made after their signature."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Case)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    print(result.testsRun, result.failures, result.errors)


def warned() -> None:
    """Warnings are shown once, with the program's own lines, and its filters stay."""
    before = len(warnings.filters)

    @rbtrace.traced
    def old() -> None:
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            old()
        settled()
    print([(str(one.message), one.filename == __file__) for one in caught])
    print(len(warnings.filters) - before)


def logged() -> None:
    """A configuration of logging that replaces all, at level DEBUG, shows no records of others."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": True,
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
            "root": {"level": "DEBUG", "handlers": ["out"]},
        }
    )
    settled()

    @rbtrace.traced
    def tell() -> None:
        logging.getLogger("mine").info("told by %(funcName)s", {"funcName": "tell"})

    tell()
    flush()
    print(len(logging.root.handlers), logging.lastResort is not None, logging.raiseExceptions)


def caller_named() -> None:
    """Logging and inspection name the program's function and line as the caller's."""

    @rbtrace.traced
    def tell() -> None:
        frame = sys._getframe()
        print(frame.f_code.co_name, frame.f_lineno, logging.getLogger("mine").findCaller()[1:3])

    tell()
    hot(1)


def memory_traced() -> None:
    """tracemalloc, started by the program, and stopped by it."""
    tracemalloc.start(5)
    settled()
    kept = [bytes(100_000) for _ in range(10)]
    own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    print(sum(one.size for one in own.statistics("lineno")) > 1_000_000, len(kept))
    tracemalloc.stop()
    print(tracemalloc.is_tracing())


def watched() -> None:
    """faulthandler's dump of all threads, which the program asks for, and its timer."""
    settled()
    faulthandler.dump_traceback_later(1000)
    faulthandler.cancel_dump_traceback_later()
    with open("dump", "w+") as file:
        faulthandler.dump_traceback(file, all_threads=False)
        file.seek(0)
        print(sum(line.startswith("  File") for line in file))
    print(faulthandler.is_enabled())


def timed() -> None:
    """timeit turns the collector off and on again, and runs as often as it says."""
    counted = []
    timeit.timeit(lambda: counted.append(work(1)), number=20)
    print(len(counted))


if __name__ == "__main__":
    main(
        covered,
        profiled,
        own_trace,
        own_profile,
        monitored,
        debugged,
        traced_lines,
        doctested,
        unittested,
        warned,
        logged,
        caller_named,
        memory_traced,
        watched,
        timed,
    )
