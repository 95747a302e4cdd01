"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_STATUS: Final = Path("/proc/self/status")


class Memory(NamedTuple):
    """Resident memory of this process, bytes. `peak` is None where the system keeps none."""

    resident: int
    peak: int | None


class Held(NamedTuple):
    """Memory of several processes, bytes.

    Attributes:
        resident: sum of what each holds, pages that they share counted for each of them.
        proportional: the same with a shared page divided among those that share it.
    """

    resident: int
    proportional: int


def held_by(processes: Iterable[int]) -> Held:
    """What other processes hold now; those that are gone hold nothing."""
    resident = proportional = 0
    for process in processes:
        told = _rollup(process)
        resident += told.get("Rss:", 0)
        proportional += told.get("Pss:", 0)
    return Held(resident, proportional)


def _rollup(process: int) -> dict[str, int]:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return {}
    lines = (line.split() for line in text.splitlines()[1:])
    return {words[0]: int(words[1]) * 1024 for words in lines}


def memory_here() -> Memory:
    """What this process holds now, and the most it ever held."""
    if not _STATUS.exists():
        return Memory(psutil.Process().memory_info().rss, None)
    lines = (line.split() for line in _STATUS.read_text(encoding="ascii").splitlines())
    kibibytes = {words[0]: words[1] for words in lines if words[0] in {"VmRSS:", "VmHWM:"}}
    return Memory(int(kibibytes["VmRSS:"]) * 1024, int(kibibytes["VmHWM:"]) * 1024)
