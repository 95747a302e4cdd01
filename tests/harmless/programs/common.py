"""What the programs share: traced work, and how one of several in a file is chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import rbtrace


@rbtrace.traced(hot=True)
def hot(number: int) -> int:
    return number + 1


@rbtrace.traced
def work(calls: int = 3) -> int:
    """Traced work: one span, and so many hot calls."""
    return sum(hot(number) for number in range(calls))


def main(*programs: Callable[[], object]) -> None:
    """Run the one that the command line names, with the rest of it as arguments."""
    (program,) = [program for program in programs if program.__name__ == sys.argv[1]]
    program(*sys.argv[2:])


def flush() -> None:
    """Have what was recorded until now written, as the flush thread does every second."""
    recorder = sys.modules.get("rbtrace.recording.recorder")
    pipeline = recorder.RECORDER.pipeline() if recorder else None
    if pipeline is not None:
        pipeline.flush()


def settled() -> None:
    """Work until tracing, where it is on, has its thread, its files and its handlers."""
    work()
    flush()


def ended(pid: int) -> int:
    """The exit status of a child, or minus its signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_child(action: Callable[[], object]) -> int:
    """Do something in a forked child that then leaves at once; give how it ended."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return ended(pid)
    action()
    os._exit(0)


def descriptors() -> dict[int, str]:
    """Open descriptors of this process and what they are, but for files of traces."""
    traces = os.environ.get("RBTRACE_DIR", "no traces")
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the listing's own
            continue
        if not target.startswith(traces):
            found[int(name)] = Path(target).name
    return found
