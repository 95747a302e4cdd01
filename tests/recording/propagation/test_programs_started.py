"""Programs that are started see what they were given, and are recorded under their span.

Every program runs off and on: the same output, the same errors, and children that are traced have
the span that started them as their parent.
"""

from __future__ import annotations

import re

import pytest

ON = {"RBTRACE_ENABLED": "1"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

START = """
import asyncio, os, pty, shlex, subprocess, sys, threading
import rbtrace

PYTHON = sys.executable
CHILD = [PYTHON, "-c", "import rbtrace\\nwith rbtrace.span('work'): pass"]
LINE = shlex.join(CHILD)

def wait(pid):
    return os.waitpid(pid, 0)[1]

def in_child(act):
    pid = os.fork()
    if not pid:
        act()
    return wait(pid)

async def start_both():
    first = await asyncio.create_subprocess_exec(*CHILD)
    second = await asyncio.create_subprocess_shell(LINE)
    return await first.wait(), await second.wait()

def main():
    with rbtrace.span("run"):
        print({start})
    assert "TRACEPARENT" not in os.environ
    assert b"TRACEPARENT" not in subprocess.run("env", capture_output=True).stdout

main()
"""

STARTS = [
    ("os.system(LINE)", 1),
    ("os.popen(LINE).read()", 1),
    ("pty.spawn(CHILD)", 1),
    ("wait(os.posix_spawn(PYTHON, CHILD, os.environ))", 1),
    ("wait(os.posix_spawnp(PYTHON, CHILD, os.environ, setsigdef=[13]))", 1),
    ("wait(os.posix_spawn(PYTHON, CHILD, os.environb))", 1),
    ("wait(os.posix_spawn(PYTHON, CHILD, {}))", 0),
    ("os.spawnv(os.P_WAIT, PYTHON, CHILD)", 1),
    ("wait(os.spawnvp(os.P_NOWAIT, PYTHON, CHILD))", 1),
    ("os.spawnve(os.P_WAIT, PYTHON, CHILD, os.environ)", 1),
    ("os.spawnl(os.P_WAIT, PYTHON, *CHILD)", 1),
    ("os.spawnlpe(os.P_WAIT, PYTHON, *CHILD, dict(os.environ))", 1),
    ("in_child(lambda: os.execv(PYTHON, CHILD))", 1),
    ("in_child(lambda: os.execve(PYTHON, CHILD, env=os.environ))", 1),
    ("in_child(lambda: os.execlp(PYTHON, *CHILD))", 1),
    ("subprocess.call(CHILD)", 1),
    ("subprocess.call(CHILD, env=os.environb)", 1),
    ("subprocess.call(CHILD, -1, *[None] * 5, True, False, None, os.environ)", 1),
    ("subprocess.call(CHILD, close_fds=False)", 1),
    ("asyncio.run(start_both())", 2),
]


@pytest.mark.parametrize(("start", "count"), STARTS, ids=[start for start, _ in STARTS])
@pytest.mark.filterwarnings("ignore:This process")
def test_a_program_that_is_started_is_recorded_under_its_span(run_script, start, count):
    code = START.replace("{start}", start)
    off = run_script(code, covered=False)
    on = run_script(code, covered=False, **ON)
    assert on.printed == off.printed
    assert "rbtrace" not in on.complaints
    (run,) = [span for span in on.spans if span.name == "run"]
    work = [span for span in on.spans if span.name == "work"]
    assert [span.parent_id for span in work] == [run.span_id] * count
    assert {span.trace_id for span in on.spans} == {run.trace_id}


SEEN = """
import os, subprocess
import rbtrace

own = dict(os.environ)

class Odd(dict):
    def __getitem__(self, name):
        raise RuntimeError(name)

    def items(self):
        return [("A", "1"), ("B", "2")]

class Bare:
    def items(self):
        return [("A", "1")]

def show(*environments):
    for env in environments:
        try:
            print(subprocess.run(["/usr/bin/env"], env=env, capture_output=True).stdout)
            os.waitpid(os.posix_spawn("/bin/true", ["true"], env), 0)
        except Exception as error:
            print(repr(error))

with rbtrace.span("run"):
    show({}, {"A": "1"}, {"RBTRACE_ENABLED": ""}, {"RBTRACE_ENABLED": "0", "A": "1"}, Odd(A="3"))
    show(Bare(), {b"A": b"1"}, {"RBTRACE_ENABLED": 1}, {"A": 3}, {3: "A"}, {"A=B": "C"}, 3)
    show({"A\\0": "x"}, [("A", "1")], {"RBTRACE_ENABLED": "1", "A": None}, "A=1")
    show({"RBTRACE_ENABLED": "1", "TRACEPARENT": "mine"}, {b"RBTRACE_ENABLED": b"no"})
"""


def test_a_program_sees_exactly_the_variables_it_was_given(run_script):
    off = run_script(SEEN, covered=False)
    on = run_script(SEEN, covered=False, **ON)
    assert on.printed == off.printed
    assert on.complaints == off.complaints


def test_a_parent_of_the_programs_own_is_replaced_by_the_span_and_comes_back(run_script):
    done = run_script(
        """
        import os, subprocess, rbtrace
        SHOW = ["/bin/sh", "-c", "echo $TRACEPARENT $TRACESTATE"]
        given = {**os.environ, "TRACEPARENT": os.environ["TRACEPARENT"][:-2] + "00"}
        with rbtrace.span("run") as span:
            print(f"{span.get_span_context().span_id:016x}", flush=True)
            subprocess.run(SHOW)
            subprocess.run(SHOW, env=dict(os.environ))
            os.system("echo $TRACEPARENT $TRACESTATE")
            subprocess.run(SHOW, env=given)
        subprocess.run(SHOW)
        os.system("echo $TRACEPARENT $TRACESTATE")
        """,
        **ON,
        TRACEPARENT=PARENT,
        TRACESTATE="a=b",
    )
    span, *shown = done.printed.splitlines()
    of_span = PARENT.replace("b7ad6b7169203331", span) + " a=b"
    of_given = PARENT[:-2] + "00 a=b"
    of_program = PARENT + " a=b"
    assert shown == [of_span, of_span, of_span, of_given, of_program, of_program]


def test_system_beside_other_threads_leaves_the_environment_alone_and_says_so(run_script):
    done = run_script(
        """
        import os, threading, rbtrace
        with rbtrace.span("run"):
            over = threading.Event()
            thread = threading.Thread(target=over.wait)
            thread.start()
            os.system("echo $TRACEPARENT-")
            os.system("echo $TRACEPARENT-")
            over.set()
            thread.join()
        """,
        **ON,
    )
    assert done.printed == "-\n-\n"
    assert done.complaints.count("system starts work without its span") == 1


MISUSE = """
import _thread, concurrent.futures, inspect, multiprocessing.pool, os, pickle, posix, sys
import threading, traceback, types
import rbtrace

raised = []
noticed = threading.Event()

def notice(unraisable):
    raised.append((repr(unraisable.exc_value), unraisable.object.__repr__()))
    raised.append(traceback.format_tb(unraisable.exc_traceback))
    noticed.set()

sys.unraisablehook = notice
BUILTIN = (os.system, os.posix_spawn, os.execv, os.execve, _thread.start_new_thread)

class Holder:
    start = os.system

class Unmade(threading.Thread):
    def __init__(self):
        pass

def tried(function, *arguments, **keywords):
    try:
        print(function(*arguments, **keywords))
    except BaseException as error:
        print(repr(error), str(error))

def fail():
    raise ValueError("wrong")

def show(future):
    print(*traceback.format_exception(future.exception()))

with rbtrace.span("run"):
    for one in BUILTIN:
        print(repr(one), one.__name__, one.__module__, inspect.isbuiltin(one), one.__doc__)
        print(isinstance(one, types.BuiltinFunctionType), pickle.loads(pickle.dumps(one)) is one)
        tried(inspect.signature, one)
    print(Holder().start("true"), os.system is posix.system)
    for arguments in (
        (), ("x",), ("/missing", ["a"]), ("/bin/true", []), ("/bin/true", ["a"], 3), ("x", "a"),
        ("/missing", ["a"], {}), (3, 4), ("/bin/true", ["a"], {"A": 1}),
    ):
        for one in (os.execv, os.execve, os.posix_spawn, os.spawnv, os.system):
            tried(one, *arguments)
    tried(_thread.start_new_thread, 3, ())
    tried(_thread.start_new_thread, fail, 3)
    _thread.start_new_thread(fail, ())
    noticed.wait()
    print(*raised)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        tried(pool.submit)
        tried(pool.submit, fn=print)
        tried(pool.submit, func=print)
        show(pool.submit(3))
        show(pool.submit(fail))
    with multiprocessing.pool.ThreadPool(1) as pool:
        tried(pool.apply_async)
        tried(pool.map, 3, [1])
        tried(pool.apply, fail)
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        show(pool.submit(fail))
        tried(pool.submit(lambda: None).result)
    tried(threading.Thread.start)
    tried(Unmade().start)
    own = threading.Thread(name="mine")
    ran = []
    own.run = lambda: ran.append(threading.current_thread().name)
    tried(own.start)
    own.join()
    print(ran)
    tried(own.start)
    print(sorted(vars(own)), own.run)
    threading.excepthook = lambda raised: traceback.print_tb(raised.exc_traceback, None, sys.stdout)
    failing = threading.Thread(target=fail)
    failing.start()
    failing.join()
"""


def test_errors_and_appearances_are_those_of_the_library(run_script):
    off = run_script(MISUSE, covered=False)
    on = run_script(MISUSE, covered=False, **ON)
    assert without_addresses(on.printed) == without_addresses(off.printed)
    assert on.complaints == off.complaints


def without_addresses(text):
    return re.sub(" at 0x[0-9a-f]+", "", text)
