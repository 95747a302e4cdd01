"""`rbtrace` in a process of its own, with the CPU time and the memory that it took.

The kernel's peak of a process is no less than what the process had that started it, and tests may
have much: so a small program stands between them, which starts and measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.command import RBTRACE
from tests.support.environment import uncovered

_METER = """
import json, os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss << 10]), file=sys.stderr)
"""


class Metered(NamedTuple):
    """How a process ended, what it wrote, and what it took."""

    returncode: int
    stdout: str
    stderr: str
    cpu_s: float
    peak_bytes: int


def metered(*arguments: str | Path, **environ: str) -> Metered:
    """Run `rbtrace` with arguments; it is ended when it has taken 120 s of CPU."""
    done = subprocess.run(
        [sys.executable, "-c", _METER, *RBTRACE, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=uncovered() | environ,
        check=True,
    )
    *said, measured = done.stderr.splitlines(keepends=True)
    returncode, cpu_s, peak_bytes = json.loads(measured)
    return Metered(returncode, done.stdout, "".join(said), cpu_s, peak_bytes)
