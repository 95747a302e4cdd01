"""Work in other threads and processes has the span that handed it over as its parent."""

from __future__ import annotations

import os

import pytest

from rbtrace import conventions as key

ON = {"RBTRACE_ENABLED": "1"}

WORK = """
import _thread, asyncio, concurrent.futures, multiprocessing.dummy, sched, subprocess, sys
import threading
import rbtrace

@rbtrace.traced(hot=True)
def hot():
    pass

@rbtrace.traced
def work(number=0):
    hot()
    return number

def only_hot(number=0):
    hot()
    return number
"""


def by_name(done, name):
    return [span for span in done.spans if span.name == name]


def assert_below_run(done, count, name="work"):
    (run,) = by_name(done, "run")
    found = by_name(done, name)
    assert len(found) == count
    assert {span.parent_id for span in found} == {run.span_id}
    assert {span.trace_id for span in done.spans} == {run.trace_id}


@pytest.mark.parametrize(
    "code",
    [
        """
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert all("run" not in vars(thread) for thread in threads)
        """,
        """
        class Mine(threading.Thread):
            def run(self):
                work()
        threads = [Mine() for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
        """
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            assert list(pool.map(work, range(3))) == [0, 1, 2]
        """,
        """
        from multiprocessing.pool import ThreadPool
        with ThreadPool(2) as pool:
            assert pool.map(work, range(3)) == [0, 1, 2]
        """,
        """
        async def main():
            async def one():
                work()
            loop = asyncio.get_running_loop()
            await asyncio.gather(one(), asyncio.to_thread(work), loop.run_in_executor(None, work))
        asyncio.run(main())
        """,
        """
        thread = threading.Timer(0, work)
        thread.start(); thread.join()
        done = threading.Semaphore(0)
        for _ in range(2):
            _thread.start_new_thread(lambda: (work(), done.release()), ())
        done.acquire(); done.acquire()
        """,
        """
        own = threading.Thread(target=lambda: None)
        own.run = work
        class Mine(threading.Thread):
            run = staticmethod(work)
            def start(self):
                super().start()
        for thread in (own, Mine(), multiprocessing.dummy.Process(target=work)):
            thread.start(); thread.join()
        """,
        """
        sooner = sched.scheduler()
        sooner.enter(0, 1, work)
        sooner.run()
        loop = asyncio.new_event_loop()
        async def one():
            return work()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        asyncio.run_coroutine_threadsafe(one(), loop).result()
        loop.call_soon_threadsafe(lambda: (work(), loop.stop()))
        thread.join()
        """,
        """
        class Mine(concurrent.futures.Executor):
            def submit(self, function, *arguments):
                future = concurrent.futures.Future()
                run = lambda: future.set_result(function(*arguments))
                threading.Thread(target=run).start()
                return future
        async def main():
            await asyncio.get_running_loop().run_in_executor(Mine(), work)
        asyncio.run(main())
        future = Mine().submit(work)
        called = threading.Event()
        future.add_done_callback(lambda future: (work(), called.set()))
        called.wait()
        """,
    ],
    ids=[
        "Thread",
        "subclass",
        "ThreadPoolExecutor",
        "ThreadPool",
        "asyncio",
        "low-level",
        "own run",
        "loops",
        "executors of one's own",
    ],
)
def test_threads(run_script, code):
    indented = "\n".join("    " + line.removeprefix("        ") for line in code.splitlines())
    done = run_script(WORK + "with rbtrace.span('run'):\n" + indented, **ON)
    assert_below_run(done, 3)


CALLBACKS = """
from multiprocessing.pool import ThreadPool
with rbtrace.span("outer"):
    pool = ThreadPool(1)
    executor = concurrent.futures.ThreadPoolExecutor(1)
    executor.submit(int).result()
with rbtrace.span("run"):
    pool.apply_async(int, callback=work).wait()
    pool.apply_async(int, (), {}, work).wait()
    pool.map_async(int, [1], 1, work).wait()
    pool.apply_async(divmod, (1, 0), error_callback=work).wait()
    called = threading.Event()
    future = executor.submit(int)
    future.add_done_callback(fn=lambda future: (work(), called.set()))
    called.wait()
pool.close(); pool.join(); executor.shutdown()
"""


def test_callbacks_of_pools_that_were_made_in_another_span(run_script):
    done = run_script(WORK + CALLBACKS, **ON)
    (run,) = by_name(done, "run")
    assert [span.parent_id for span in by_name(done, "work")] == [run.span_id] * 5


PROCESSES = (
    WORK
    + """
if __name__ == "__main__":
    context = multiprocessing.get_context(METHOD)
    with rbtrace.span("outer"):
        pool = context.Pool(2)
        executor = concurrent.futures.ProcessPoolExecutor(2, mp_context=context)
        executor.submit(only_hot).result()
    with rbtrace.span("run"):
        processes = [context.Process(target=work) for _ in range(2)]
        for process in processes: process.start()
        for process in processes: process.join()
        assert pool.apply(work, (1,)) == 1
        assert pool.apply_async(func=work, args=(1,)).get() == 1
        assert pool.map(work, range(2)) == [0, 1]
        assert list(pool.imap(work, range(2))) == [0, 1]
        assert sorted(pool.imap_unordered(work, range(2))) == [0, 1]
        assert pool.starmap(work, [(1,), (2,)]) == [1, 2]
        assert executor.submit(work, 3).result() == 3
        assert list(executor.map(work, range(2))) == [0, 1]
    pool.terminate()
    executor.shutdown()
"""
)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes(run_script, method):
    done = run_script(PROCESSES.replace("METHOD", repr(method)), covered=False, **ON)
    (run,) = by_name(done, "run")
    work = by_name(done, "work")
    assert len(work) == 15
    assert {span.parent_id for span in work} == {run.span_id}
    (outer,) = by_name(done, "outer")
    (thread,) = by_name(done, key.THREAD)
    assert thread.parent_id == outer.span_id
    assert not by_name(done, key.UNATTACHED)
    assert not list(done.folder.rglob("*.open"))


FORKSERVER = """
import multiprocessing, rbtrace

def work():
    with rbtrace.span("work"):
        pass

if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    first = context.Process(target=work)
    first.start(); first.join()
    rbtrace.instrument()
    with rbtrace.span("run"):
        second = context.Process(target=work)
        second.start(); second.join()
"""


def test_a_fork_server_started_before_tracing_still_traces(run_script):
    done = run_script(FORKSERVER)
    (run,) = by_name(done, "run")
    (work,) = by_name(done, "work")
    assert work.parent_id == run.span_id
    assert work.resource[key.RUN_ID] == run.resource[key.RUN_ID]


def test_a_program_started_by_a_traced_one(run_script):
    done = run_script(
        WORK
        + """
import os
CHILD = "import rbtrace\\nwith rbtrace.span('work'): pass"
with rbtrace.span("run"):
    subprocess.run([sys.executable, "-c", CHILD], check=True)
    subprocess.run([sys.executable, "-c", CHILD], check=True, env=dict(os.environ))
assert "TRACEPARENT" not in os.environ
subprocess.run([sys.executable, "-c", CHILD], check=True)
""",
        **ON,
    )
    (run,) = by_name(done, "run")
    parents = [span.parent_id for span in by_name(done, "work")]
    assert sorted(parents, key=str) == sorted([run.span_id, run.span_id, None], key=str)
    assert len({span.resource[key.RUN_ID] for span in done.spans}) == 1


def test_nothing_is_recorded_under_a_parent_that_is_not_sampled(run_script):
    done = run_script(
        "import rbtrace\nwith rbtrace.span('run'): pass",
        **ON,
        TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    )
    assert done.spans == []


def test_hot_calls_of_a_thread_are_below_the_span_that_started_it(run_script):
    done = run_script(
        WORK
        + """
with rbtrace.span("run"):
    thread = threading.Thread(target=only_hot)
    thread.start(); thread.join()
""",
        **ON,
    )
    assert_below_run(done, 1, key.THREAD)


def test_the_functions_of_the_library_are_put_back():
    import _thread
    import multiprocessing.pool
    import posix
    import subprocess
    import threading

    import rbtrace

    def functions():
        return (
            threading.Thread.start, threading.Thread._bootstrap_inner, _thread.start_new_thread,
            multiprocessing.pool.Pool.imap, subprocess.Popen.__init__, os.system, posix.system,
            os.posix_spawn, os.execv, os.execve,
        )  # fmt: skip

    before = functions()
    rbtrace.instrument()
    assert not any(one is other for one, other in zip(before, functions(), strict=True))
    rbtrace.shutdown()
    assert all(one is other for one, other in zip(before, functions(), strict=True))
