"""Samplers in real programs: they tell the truth, and leave the program alone."""

from __future__ import annotations

import re
import signal
import sys

import pytest

from rbtrace.profiling.flamegraph.reading import Faults, profile_files, read_profiles
from rbtrace.profiling.flamegraph.selecting import Selection
from rbtrace.profiling.flamegraph.sources import read_flame_graph

SAMPLED = {"RBTRACE_ENABLED": "1", "RBTRACE_SAMPLER": "signal", "RBTRACE_SAMPLE_INTERVAL_MS": "5"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def profile_of(done):
    return read_profiles(profile_files([done.folder]), Faults())


def seconds(profile, name):
    """Time in stacks that have a function of this name."""
    within = [
        weight
        for stack, weight, _ in profile.folded()
        if any(frame.name == name for frame in profile.path(stack))
    ]
    return sum(within) / 1e9


def but_of_its_pace(complaints):
    """What is said beside that samples are rarer, as they are on a busy machine."""
    lines = complaints.splitlines()
    return [line for line in lines if "rbtrace: warning: stacks are sampled every" not in line]


def assert_agrees_with_spans(drawn, stalled=0.0):
    spans, error = re.findall(r"spans ([\d.,]+) s, sampling error ±([\d.]+)", drawn.note)[0]
    # The bound is one of 95 %: twice as wide it holds in all but 1 of 10,000 runs. What comes on
    # top is for a machine that stands still while a span ends.
    allowed = 2 * float(error) + 0.1 + stalled
    assert drawn.profile.total_ns / 1e9 == pytest.approx(float(spans), abs=allowed)


STALLING = """
    import time
    import rbtrace

    stalled = 0.0

    def spin(seconds):
        global stalled
        start = now = time.perf_counter()
        while now < start + seconds:
            before, now = now, time.perf_counter()
            stalled = max(stalled, now - before)
        return now - start
"""
"""Knows for how long, s, the machine stood still at most."""
SPIN = (
    STALLING
    + """
    def first(): return spin(0.6)
    def second(): return spin(0.2)

    @rbtrace.traced
    def work():
        print(first(), second(), stalled)

    work()
"""
)


@pytest.mark.parametrize("sampler", ["signal", "pyinstrument"])
def test_times_are_those_of_the_functions(run_script, sampler):
    done = run_script(SPIN, covered=False, **SAMPLED | {"RBTRACE_SAMPLER": sampler})
    profile = profile_of(done)
    first, second, stalled = map(float, done.printed.split())
    # While the machine stands still no sample is taken: each end may be off by as much.
    allowed = 0.06 + 2 * stalled
    assert seconds(profile, "first") == pytest.approx(first, abs=allowed)
    assert seconds(profile, "second") == pytest.approx(second, abs=allowed)
    assert profile.processes[0].sampler == sampler
    assert but_of_its_pace(done.complaints) == []


def test_off_by_default_and_no_module_is_imported(run_script):
    done = run_script(
        SPIN + "\n    import sys\n    print('rbtrace.recording.sampling.samplers' in sys.modules)",
        covered=False,
        RBTRACE_ENABLED="1",
    )
    assert profile_files([done.folder]) == []


def test_an_extension_that_holds_the_interpreter_gets_its_time(run_script):
    done = run_script(
        """
        import time
        import rbtrace

        def extension(): return sum(range(60_000_000))

        def python():
            total = 0
            for number in range(2_000_000):
                total += number

        @rbtrace.traced
        def work():
            started = time.perf_counter(); extension(); one = time.perf_counter() - started
            started = time.perf_counter(); python(); other = time.perf_counter() - started
            print(one / (one + other))

        work()
        """,
        covered=False,
        **SAMPLED,
    )
    profile = profile_of(done)
    share = seconds(profile, "extension") / seconds(profile, "work")
    assert share == pytest.approx(float(done.printed), abs=0.12)


def test_alarms_timers_and_handlers_of_the_program_are_its_own(run_script):
    done = run_script(
        STALLING
        + """
    import signal

    rang = []
    signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}

    @rbtrace.traced
    def work():
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        took = spin(0.5)
        return took, signal.getitimer(signal.ITIMER_REAL)

    took, timer = work()
    print(timer, rang)
    rbtrace.shutdown()
    time.sleep(0.05)
    changed = {number for number, handler in before.items() if signal.getsignal(number) != handler}
    print(changed)
    print(took, stalled)
    """,
        covered=False,
        **SAMPLED,
    )
    *said, times = done.printed.splitlines()
    took, stalled = map(float, times.split())
    assert said == ["(0.0, 0.0) [1]", "set()"]
    assert seconds(profile_of(done), "work") == pytest.approx(took, abs=0.05 + 2 * stalled)


def test_a_program_that_is_exec_ed_is_not_hit(run_script):
    done = run_script(
        """
        import os, sys, time
        import rbtrace

        @rbtrace.traced
        def work():
            time.sleep(0.3)
            os.execve("/bin/sleep", ["sleep", "0.2"], {})

        work()
        """,
        covered=False,
        **SAMPLED,
    )
    assert done.complaints == ""


def test_children_that_are_programs_are_not_hit_and_have_no_profile(run_script):
    done = run_script(
        """
        import subprocess, time
        import rbtrace

        @rbtrace.traced
        def work():
            return [subprocess.run(["sleep", "0.05"]).returncode for _ in range(10)]

        print(work())
        """,
        covered=False,
        **SAMPLED,
    )
    assert done.printed == f"{[0] * 10}\n"
    assert len(profile_files([done.folder])) == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_every_start_method_are_sampled_for_themselves(run_script, method):
    done = run_script(
        STALLING
        + f"""
    import multiprocessing, os

    @rbtrace.traced
    def task(seconds):
        spin(seconds)
        return os.getpid(), stalled

    @rbtrace.traced
    def main():
        with multiprocessing.get_context("{method}").Pool(2) as pool:
            return pool.map(task, [0.3] * 4, chunksize=1)

    if __name__ == "__main__":
        rbtrace.instrument()
        done = main()
        print(len(dict(done)), sum(2 * longest for _, longest in done))
""",
        covered=False,
        **SAMPLED,
    )
    profile = profile_of(done)
    workers, stalled = int(done.printed.split()[0]), float(done.printed.split()[1])
    assert len(profile.processes) == workers + 1
    in_task = read_flame_graph([done.folder], Selection(operation="task"))
    assert_agrees_with_spans(in_task, stalled)
    assert seconds(in_task.profile, "task") == pytest.approx(in_task.profile.total_ns / 1e9)
    assert len(set(in_task.profile.process.tolist())) == workers


def test_what_a_killed_process_flushed_stays(run_script):
    done = run_script(
        """
        import os, pathlib, signal, time
        import rbtrace

        def lines():
            files = pathlib.Path(os.environ["RBTRACE_DIR"]).rglob("*.profile.jsonl")
            return sum(file.read_bytes().count(b"\\n") for file in files)

        @rbtrace.traced
        def work():
            end = time.perf_counter() + 60
            while lines() < 3 and time.perf_counter() < end:  # a header and two flushes
                pass
            os.kill(os.getpid(), signal.SIGKILL)

        work()
        """,
        covered=False,
        expect=-signal.SIGKILL,
        **SAMPLED,
    )
    assert seconds(profile_of(done), "work") > 1.0


def test_threads_that_are_not_sampled_are_named(run_script):
    done = run_script(
        """
        import threading, time
        import rbtrace
        from rbtrace.recording.recorder import RECORDER

        @rbtrace.traced
        def work():
            over = threading.Event()
            thread = threading.Thread(target=over.wait, name="pricing")
            thread.start()
            RECORDER.pipeline().flush()
            time.sleep(0.1)  # for a sample
            over.set()
            thread.join()

        work()
        """,
        covered=False,
        **SAMPLED,
    )
    assert profile_of(done).processes[0].unsampled == ("pricing",)
    drawn = read_flame_graph([done.folder], Selection())
    assert any("pricing" in warning for warning in drawn.warnings)


def test_hot_calls_are_told_apart(run_script):
    done = run_script(
        """
        import time
        import rbtrace

        def spin(seconds):
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass

        @rbtrace.traced(hot=True)
        def read(): spin(0.004)

        @rbtrace.traced(hot=True)
        def price(): spin(0.002)

        @rbtrace.traced
        def work():
            for _ in range(100):
                read()
                price()

        work()
        """,
        covered=False,
        **SAMPLED,
    )
    drawn = read_flame_graph([done.folder], Selection(operation="read"))
    assert {drawn.profile.path(stack)[0].name for stack, _, _ in drawn.profile.folded()} == {"read"}
    assert_agrees_with_spans(drawn)


def test_system_calls_of_the_program_are_not_cut_short(run_script):
    done = run_script(
        """
        import os, threading, time
        import rbtrace

        @rbtrace.traced
        def work():
            reading, writing = os.pipe()
            started = time.monotonic()
            threading.Timer(0.3, os.write, (writing, b"x")).start()
            assert os.read(reading, 1) == b"x"
            time.sleep(0.2)
            lock = threading.Lock(); lock.acquire()
            assert not lock.acquire(timeout=0.2)
            return time.monotonic() - started

        print(work() >= 0.7)
        """,
        covered=False,
        **SAMPLED,
    )
    assert done.printed == "True\n"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_program_that_hears_of_all_signals_hears_of_no_sample(run_script, when):
    done = run_script(
        f"""
        import os, signal, time
        import rbtrace

        def listen():
            reader, writer = os.pipe()
            for end in (reader, writer):
                os.set_blocking(end, False)
            print(signal.set_wakeup_fd(writer))
            return reader, writer

        if {when!r} == "before":
            reader, writer = listen()
        with rbtrace.span("work"):
            if {when!r} == "after":
                reader, writer = listen()
            until = time.thread_time() + 0.1
            while time.thread_time() < until:
                pass
            signal.signal(signal.SIGUSR1, lambda *_: None)
            signal.raise_signal(signal.SIGUSR1)
        print(list(os.read(reader, 100)) == [signal.SIGUSR1], signal.set_wakeup_fd(-1) == writer)
        """,
        covered=False,
        **SAMPLED,
    )
    assert done.printed.split() == ["-1", "True", "True"]
    assert "hears of all signals" in done.complaints
