"""Whether a process that wrote trace files is still the same, living process."""

from __future__ import annotations

import os
from pathlib import Path


def host_name() -> str:
    """Name of this host, as it stands in file names and in `host.name`."""
    import socket  # noqa: PLC0415 - slow to import, and a trace without tallies has no need of it

    return socket.gethostname() or "localhost"


def process_started(pid: int) -> str | None:
    """A token that tells one process from a later one with the same pid; None if it is gone.

    On Linux it is the boot id and the start time in clock ticks of `/proc/<pid>/stat`, elsewhere
    the creation time.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    except OSError:
        return _started_elsewhere(pid)
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return f"{boot}:{fields[19]}"


def _started_elsewhere(pid: int) -> str | None:
    import psutil  # noqa: PLC0415 - only where there is no /proc; importing it takes 10 ms

    try:
        process = psutil.Process(pid)
        return repr(process.create_time())
    except psutil.Error:
        return None


def is_alive(host: str, pid: int, started: str | None) -> bool:
    """Whether the process that wrote (`host`, `pid`, `started`) is still running here.

    A process of another host counts as dead: nothing on this host can see it.
    """
    return host == host_name() and started is not None and process_started(pid) == started


def this_process() -> tuple[str, int, str | None]:
    """Host, pid and start token of the calling process."""
    pid = os.getpid()
    return host_name(), pid, process_started(pid)
