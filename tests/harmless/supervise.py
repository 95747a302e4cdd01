"""Run one program and account for every process of it: `python -IS supervise.py < ORDER > ACCOUNT`.

A process of its own, so that whatever the program leaves behind becomes its child: nothing escapes
by a new session, a double fork or an empty environment. Needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
LOOK_EVERY_S = 0.01
DUMP_S = 20
MOST_DUMPED = 6


def main() -> None:
    order = json.load(sys.stdin)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A shell that starts the tests in the background lets them, and all they start, ignore Ctrl-C;
    # `nohup` lets them ignore that the terminal is gone.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.umask(0o022)
    started = time.monotonic()
    program = start(order)
    has_ended = wait_for(program, order["deadline_s"])
    elapsed = time.monotonic() - started
    stacks = "" if has_ended else dump(descendants(), order["dumper"])
    left = outlived(order["grace_s"] if has_ended else 0)
    names = [] if not has_ended else [name_of(pid) for pid in left]
    if names:
        stacks = dump(left, order["dumper"])
    end(left)
    status = program.wait()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    account = {
        "status": status,
        "timed_out": not has_ended,
        "left": names,
        "stacks": stacks,
        "elapsed_s": elapsed,
        "cpu_s": usage.ru_utime + usage.ru_stime,
    }
    json.dump(account, sys.stdout)


def start(order: dict) -> subprocess.Popen:
    with (
        open(order["stdin"], "rb") as stdin,
        open(order["stdout"], "wb") as stdout,
        open(order["stderr"], "wb") as stderr,
    ):
        return subprocess.Popen(
            order["command"],
            cwd=order["folder"],
            env=order["environ"],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def wait_for(program: subprocess.Popen, seconds: float) -> bool:
    """Wait for its end without reaping it; say whether it came in time."""
    if not hasattr(os, "pidfd_open"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(seconds)
        return program.poll() is not None
    descriptor = os.pidfd_open(program.pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def outlived(grace_s: float) -> list[int]:
    """Processes that are still there some time after the program: each may end by itself."""
    deadline = time.monotonic() + grace_s
    while (left := descendants()) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return left


def end(left: list[int]) -> None:
    while left:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_EVERY_S)
        left = descendants()


def descendants() -> list[int]:
    """All processes below this one that are no zombies; the children of the dead come here."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    children.setdefault(int(parent), []).append(int(name))
    below, seen = [os.getpid()], []
    while below:
        seen += (found := children.get(below.pop(), []))
        below += found
    return seen


def name_of(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return f"process {pid}"


def dump(pids: list[int], dumper: list[str]) -> str:
    """Stacks of processes: of Python where the dumper can, else what the kernel says."""
    return "\n".join(f"{name_of(pid)}\n{stack_of(pid, dumper)}" for pid in pids[:MOST_DUMPED])


def stack_of(pid: int, dumper: list[str]) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [*dumper, str(pid)], capture_output=True, text=True, timeout=DUMP_S, check=True
        )
        return done.stdout
    with contextlib.suppress(OSError), open(f"/proc/{pid}/wchan") as file:
        return f"waits in {file.read()}"
    return "has gone"


if __name__ == "__main__":
    main()
