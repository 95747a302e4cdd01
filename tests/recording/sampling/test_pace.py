"""Samples never cost a program more than their share, whatever it asks for and does."""

from __future__ import annotations

import signal
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.conventions import DEEPER
from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.profiling.flamegraph.sources import warnings_of
from rbtrace.recording.sampling.pace import SHORTEST_NS, Pace
from rbtrace.recording.sampling.samples import Samples, SpanReference
from rbtrace.recording.sampling.stacks import DEEPEST, StackTable
from rbtrace.recording.sampling.timers import AlarmTimer, ThreadTimer, free_timer
from rbtrace.testing import FakeClock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

MS = 1_000_000


def sampled(interval_ms, sampler="signal"):
    return {
        "RBTRACE_ENABLED": "1",
        "RBTRACE_SAMPLER": sampler,
        "RBTRACE_SAMPLE_INTERVAL_MS": str(interval_ms),
    }


def profile_of(done):
    return read_profiles(profile_files([done.folder]), Faults())


@pytest.mark.parametrize("sampler", ["signal", "pyinstrument"])
@pytest.mark.parametrize("interval_ms", ["0.01", "0.001", "1e-9"])
def test_an_interval_that_is_too_short_is_lengthened_and_said_once(
    run_script, sampler, interval_ms
):
    done = run_script(
        """
        import rbtrace

        with rbtrace.span("work"):
            print(sum(number for number in range(3_000_000)))
        """,
        covered=False,
        **sampled(interval_ms, sampler),
    )
    assert done.printed == "4499998500000\n"
    assert done.complaints.count("too short: stacks are sampled every 0.1 ms") == 1
    assert profile_of(done).processes[0].interval_ns == SHORTEST_NS


def test_sigterm_ends_a_program_that_is_sampled_as_often_as_can_be(run_script):
    run_script(
        """
        import os, signal, threading
        import rbtrace

        with rbtrace.span("work"):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
            while True:
                pass
        """,
        covered=False,
        expect=-signal.SIGTERM,
        **sampled(0.001),
    )


class EndlessFrame:
    """A frame of a stack without end."""

    f_code = compile("0", "endless", "eval")

    def __init__(self, seen):
        self._seen = seen

    @property
    def f_back(self):
        self._seen.append(1)
        return self


def test_of_a_deep_stack_only_what_is_kept_is_looked_at():
    seen = []
    table = StackTable()
    table.of_frame(EndlessFrame(seen))
    assert len(seen) == DEEPEST + 1
    assert {frame.name for frame in table.new_frames} == {DEEPER, "<module>"}


DEEP = """
    import sys, time
    import rbtrace

    sys.setrecursionlimit(200_000)

    def spin(seconds):
        turns, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            turns += 1
        return turns

    def deeper(levels):
        return deeper(levels - 1) if levels else spin(2.0)

    with rbtrace.span("work"):
        deeper({levels})
"""


@pytest.mark.parametrize(("sampler", "levels"), [("signal", 600), ("pyinstrument", 100_000)])
def test_samples_that_cost_too_much_become_rarer_and_weigh_more(run_script, sampler, levels):
    done = run_script(DEEP.format(levels=levels), covered=False, **sampled(0.1, sampler))
    profile = profile_of(done)
    process = profile.processes[0]
    assert done.complaints.count("took more than 20% of the program's time") == 1
    assert process.longest_ns >= 2 * process.interval_ns == 2 * SHORTEST_NS
    assert any("at first" in warning for warning in warnings_of(profile, Faults()))
    # What passed since the last sample stands in none.
    missing_ns = process.end_ns - process.start_ns - profile.total_ns
    assert -process.longest_ns <= missing_ns < 2 * process.longest_ns + 300 * MS


def test_samples_that_cost_little_keep_their_interval(run_script):
    done = run_script(DEEP.format(levels=20), covered=False, **sampled(10))
    process = profile_of(done).processes[0]
    assert process.longest_ns == process.interval_ns == 10 * MS
    assert done.complaints == ""


@given(st.integers(1, 10**10), st.lists(st.integers(0, 10**10), max_size=30))
def test_the_interval_is_doubled_until_samples_use_no_more_than_their_share(interval_ns, costs):
    pace = Pace(interval_ns)
    shortest = pace.interval_ns
    for cost_ns in costs:
        before = pace.interval_ns
        if pace.is_too_fast(cost_ns):
            assert pace.interval_ns >= 2 * before
        else:
            assert pace.interval_ns == before
    assert pace.interval_ns == shortest * 2**pace.slowed


@given(st.lists(st.tuples(st.integers(0, 100 * MS), st.sampled_from([0, 60 * MS])), min_size=1))
def test_weights_stand_for_all_that_passed_when_the_interval_changes(steps):
    clock = FakeClock()
    samples = Samples(10 * MS, clock, SpanReference)
    samples.begin()
    stack = samples.stacks.of_name("work")
    begun = clock()
    for step, cost_ns in steps:
        clock.advance(step)
        samples.take(stack)
        samples.cost(cost_ns)
    total = sum(sample.weight for sample in samples.drain())
    assert 0 <= clock() - begun - total < samples.pace.interval_ns


@pytest.mark.skipif(sys.platform != "linux", reason="timers of Linux")
def test_signals_do_not_queue_up_while_they_are_blocked():
    timer = free_timer()
    assert isinstance(timer, ThreadTimer)
    blocked = {timer.number}
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    timer.arm(200 * MS)
    try:
        end = time.monotonic() + 1.1
        while time.monotonic() < end:
            pass
        pending = [signal.sigtimedwait(blocked, 0) for _ in range(2)]
    finally:
        timer.disarm()
        signal.sigtimedwait(blocked, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    assert pending[0].si_signo == timer.number
    assert pending[1] is None


def test_an_alarm_the_program_set_meanwhile_stays_its_own():
    timer = AlarmTimer()
    timer.arm(10_000 * MS)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        timer.slow_down(20_000 * MS)
        timer.disarm()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="timers of Linux")
@pytest.mark.parametrize("how", ["python", "beneath"])
def test_a_program_that_takes_the_signal_is_left_alone_and_it_is_said_once(run_script, how):
    done = run_script(
        """
        import faulthandler, os, signal, time
        import rbtrace

        def seen_within(seconds):
            before = len(taken) + os.fstat(log.fileno()).st_size
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass
            return len(taken) + os.fstat(log.fileno()).st_size - before

        taken, log = [], open("log", "w")
        with rbtrace.span("work"):
            number = signal.SIGRTMAX - 1
            if HOW == "python":
                signal.signal(number, lambda *_: taken.append(1))
            else:
                faulthandler.register(number, log)
            seen_within(2.0)
            print(seen_within(0.5))
        rbtrace.shutdown()
        signal.raise_signal(number)
        print(bool(taken) or os.fstat(log.fileno()).st_size > 0)
        """.replace("HOW", repr(how)),
        covered=False,
        **sampled(5),
    )
    assert done.printed == "0\nTrue\n"
    assert done.complaints.count("the program uses signal 63 itself") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="timers of Linux")
def test_a_program_that_blocks_all_signals_is_not_sampled_until_it_unblocks_them(run_script):
    done = run_script(
        """
        import signal, time
        import rbtrace

        def spin(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass

        def blocked(): spin(2.0)
        def unblocked(): spin(0.5)

        with rbtrace.span("work"):
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            blocked()
            signal.sigtimedwait(signal.valid_signals(), 0)  # at most what was on its way
            print(signal.sigtimedwait(signal.valid_signals(), 0.2))
            with rbtrace.span("still blocked"):
                pass
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
            with rbtrace.span("unblocked"):
                unblocked()
        """,
        covered=False,
        **sampled(5),
    )
    assert done.printed == "None\n"
    assert done.complaints.count("while the program blocks signal 63") == 1
    profile = profile_of(done)
    names = {frame.name for stack, _, _ in profile.folded() for frame in profile.path(stack)}
    assert "unblocked" in names
    assert "blocked" not in names


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_a_system_that_refuses_a_timer_is_said_once(run_script):
    done = run_script(
        """
        import resource
        import rbtrace

        resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
        for _ in range(3):
            with rbtrace.span("work"):
                print("works")
        """,
        covered=False,
        **sampled(5),
    )
    assert done.printed == "works\n" * 3
    assert done.complaints.count("no stacks are sampled") == 1
    assert len(done.spans) == 3
