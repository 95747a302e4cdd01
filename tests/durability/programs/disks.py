"""A program whose disk fills up while it records: `python disks.py WHAT`.

`full` fills the file system of the traces, `limit` forbids this process to write longer files.
With `-then-room` it makes room again before it ends.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from counter import VARIABLE, count
from work import counted_span, hot, until

FOLDER = Path(os.environ["RBTRACE_DIR"])
ENOUGH = 500_000
PAUSE_S = 0.01
BALLAST = FOLDER / "ballast"


def burst(spans: int = 10) -> None:
    for _ in range(spans):
        with counted_span("burst"):
            hot(1)


def bytes_kept() -> int:
    return sum(path.stat().st_size for path in FOLDER.rglob("*.otlp.jsonl"))


def has_kept_enough() -> bool:
    """Whether files of this size have room for the counter's. Goes on recording."""
    burst(100)
    return bytes_kept() > max(ENOUGH, 2 * Path(os.environ[VARIABLE]).stat().st_size)


def fill() -> None:
    """Leave not a byte."""
    with BALLAST.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_kept() + 1000, resource.RLIM_INFINITY))


def make_room() -> None:
    BALLAST.unlink(missing_ok=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def has_complained() -> bool:
    """Standard error is a file, and nobody else writes to it. Goes on recording."""
    burst()
    time.sleep(PAUSE_S)
    return os.fstat(2).st_size > 0


def main(what: str) -> None:
    until(has_kept_enough)
    {"full": fill, "limit": limit}[what.partition("-")[0]]()
    until(has_complained)
    if what.endswith("-then-room"):
        make_room()
    burst()


if __name__ == "__main__":
    main(sys.argv[1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, limits[1]))
    count("end")
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
