"""Programs that become others, start others, or leave at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from common import ended, in_child, main, settled, work

import rbtrace


def again(how: str) -> None:
    """A wrapper sets a variable and executes itself again: what it had recorded was lost."""
    if "OMP_NUM_THREADS" not in os.environ:
        work()
        print("first", flush=True)
        words = [sys.executable, *sys.orig_argv[1:]]
        os.environ["OMP_NUM_THREADS"] = "1"
        if how == "execv":
            os.execv(sys.executable, words)
        elif how == "execve":
            os.execve(sys.executable, words, dict(os.environ))
        elif how == "execvp":
            os.execvp(sys.executable, words)
        elif how == "execl":
            os.execl(sys.executable, *words)
        else:
            os.execle(sys.executable, *words, dict(os.environ))
    work()
    print("second", os.environ["OMP_NUM_THREADS"])


def again_within_a_span() -> None:
    """A program executes itself within a span that is never ended."""
    if "AGAIN" in os.environ:
        print(work())
        return
    os.environ["AGAIN"] = "1"
    with rbtrace.span("outer"):
        work()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def another() -> None:
    """A program becomes one that is no Python."""
    work()
    os.execvp("echo", ["echo", "I am echo"])


def failing() -> None:
    """An exec that fails leaves the program as it was, tracing included."""
    settled()
    for name, words in (("/no/such/program", ["x"]), (__file__, ["x"])):
        try:
            os.execv(name, words)
        except OSError as problem:
            print(type(problem).__name__)
    try:
        os.execvp("no-such-program", ["x"])
    except FileNotFoundError as problem:
        print(problem.strerror)
    for wrong in ((), ("",), (None,)):
        try:
            os.execv(sys.executable, wrong)
        except (TypeError, ValueError) as problem:
            print(problem)
    work()


def in_a_forked_child() -> None:
    """fork and exec, as shells do, with a span between the two."""
    settled()

    def become() -> None:
        work()
        os.execvp("true", ["true"])

    print([in_child(become) for _ in range(5)])


def leave_at_once() -> None:
    """os._exit in the main process: the report has the spans, or says that some are missing."""
    work()
    print("before", flush=True)
    os._exit(3)


def abort() -> None:
    """os.abort ends the program by SIGABRT."""
    settled()
    print("before", flush=True)
    os.abort()


def spawned() -> None:
    """posix_spawn, spawnv, system and popen start programs as they do untraced."""
    settled()
    print(
        ended(os.posix_spawn(sys.executable, [sys.executable, "-IS", "-c", "print(1)"], os.environ))
    )
    print(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-IS", "-c", "print(2)"]))
    print(os.waitstatus_to_exitcode(os.system("exit 3")))
    with os.popen("echo 4") as pipe:
        print(pipe.read(), pipe.close())
    work()


def empty_environment() -> None:
    """A child that is given an empty environment gets an empty one: not TRACEPARENT."""
    settled()
    with rbtrace.span("outer"):
        for environ in ({}, {"A": "1"}):
            code = "import os; os.environ.pop('LC_CTYPE', 0); print(dict(os.environ))"
            subprocess.run([sys.executable, "-IS", "-c", code], env=environ, check=True)
            os.posix_spawn(sys.executable, [sys.executable, "-IS", "-c", code], environ)
            os.wait()


def own_environment() -> None:
    """A dictionary that the program passes as env is not changed."""
    environ = {"PATH": os.environ["PATH"]}
    with rbtrace.span("outer"):
        subprocess.run(["true"], env=environ, check=True)
        print(sorted(environ), "TRACEPARENT" in os.environ)


def started_otherwise() -> None:
    """Children with a preexec_fn, a session, a group, a folder and a umask of their own."""
    settled()
    code = "import os; print(os.getpid() == os.getsid(0), oct(os.umask(0)), os.getcwd() == '/')"
    for options in (
        {"start_new_session": True},
        {"preexec_fn": lambda: os.umask(0o077)},
        {"cwd": "/"},
        {"umask": 0o027},
        {"process_group": 0},
    ):
        with rbtrace.span("outer"):
            subprocess.run([sys.executable, "-IS", "-c", code], check=True, **options)


def communicated() -> None:
    """Children that are talked to, time out, and are killed."""
    settled()
    with rbtrace.span("outer"):
        print(subprocess.run(["cat"], input=b"x" * 100_000, capture_output=True).stdout.count(b"x"))
        try:
            subprocess.run(["sleep", "1000"], timeout=0.05)
        except subprocess.TimeoutExpired as problem:
            print(type(problem).__name__)
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        child.send_signal(signal.SIGTERM)
        child.communicate()
        print(child.returncode)


def traced_child() -> None:
    """A Python child that is traced too leaves its own spans, under ours."""
    with rbtrace.span("outer"):
        child = [sys.executable, __file__, "only_work"]
        print(subprocess.run(child, capture_output=True, text=True, check=True).stdout)


def only_work() -> None:
    """A program that works and ends."""
    print(work())


if __name__ == "__main__":
    main(
        again,
        again_within_a_span,
        another,
        failing,
        in_a_forked_child,
        leave_at_once,
        abort,
        spawned,
        empty_environment,
        own_environment,
        started_otherwise,
        communicated,
        traced_child,
        only_work,
    )
