"""One fresh process of a command: started, waited for, and charged with what its tree used."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.errors import RbtraceError

_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


class CommandError(RbtraceError):
    """A measured command failed, hung, or could not be started."""


class Usage(NamedTuple):
    """What one process used, with all descendants it waited for.

    Attributes:
        wall_ns: from just before it was started until it had ended, ns.
        cpu_ns: user and system time, ns.
        peak_bytes: greatest resident memory of any one process of the tree; None where it is not
            above that of this process, which the kernel charges a child with when it starts.
    """

    wall_ns: int
    cpu_ns: int
    peak_bytes: int | None


def measure(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, log: Path, timeout: float
) -> Usage:
    """Run a command to its end, in a session of its own; what it leaves running is ended.

    Args:
        command: program and arguments; no shell.
        environ: its whole environment.
        folder: its working directory.
        log: where everything it prints goes; removed when it succeeds.
        timeout: seconds after which it counts as hanging.

    Raises:
        CommandError: it could not be started, failed, or took too long.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as printed:
        started = time.perf_counter_ns()
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, no shell
                command,
                env=dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as problem:
            raise CommandError(f"cannot start {command[0]}: {problem.strerror}") from None
        end = _wait(process, timeout)
    if end.hung:
        raise CommandError(
            f"{shlex.join(command)} was still running after {timeout:g} s and was ended; what it "
            f"printed is in {log} (--timeout SECONDS allows more)"
        )
    if process.returncode:
        raise CommandError(
            f"{shlex.join(command)} {left_with(process.returncode)}: "
            f"{last_line(log.read_text(errors='replace'))} (all it printed is in {log})"
        )
    log.unlink()
    cpu = end.usage.ru_utime + end.usage.ru_stime
    peak = end.usage.ru_maxrss
    known = peak > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Usage(end.at - started, round(cpu * 1e9), peak * _MAXRSS_UNIT if known else None)


def reap(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Wait for a process; return what it and the descendants it waited for used."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def left_with(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"left with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def last_line(printed: str) -> str:
    """The last line that a process printed."""
    return (printed.strip().splitlines() or ["no message"])[-1].strip()


class _End(NamedTuple):
    usage: resource.struct_rusage
    at: int
    hung: bool


def _wait(process: subprocess.Popen[bytes], timeout: float) -> _End:
    hung = threading.Event()

    def give_up() -> None:
        hung.set()
        _end_group(process.pid)

    alarm = threading.Timer(timeout, give_up)
    alarm.daemon = True
    alarm.start()
    try:
        usage = reap(process)
        at = time.perf_counter_ns()
    except BaseException:  # Ctrl-C: the command goes too
        _end_group(process.pid)
        reap(process)
        raise
    finally:
        alarm.cancel()
    _end_group(process.pid)  # what it left running would disturb the next measurement
    return _End(usage, at, hung.is_set() and process.returncode != 0)


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
