"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import psutil

_STATUS: Final = Path("/proc/self/status")


class Memory(NamedTuple):
    """Resident memory of this process, bytes. `peak` is None where the system keeps none."""

    resident: int
    peak: int | None


def memory_here() -> Memory:
    """What this process holds now, and the most it ever held."""
    if not _STATUS.exists():
        return Memory(psutil.Process().memory_info().rss, None)
    lines = (line.split() for line in _STATUS.read_text(encoding="ascii").splitlines())
    kibibytes = {words[0]: words[1] for words in lines if words[0] in {"VmRSS:", "VmHWM:"}}
    return Memory(int(kibibytes["VmRSS:"]) * 1024, int(kibibytes["VmHWM:"]) * 1024)
