"""A program that is killed within its spans, when what is open is in its files."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import rbtrace


@rbtrace.traced(hot=True)
def price():
    pass


def wait_for_files():
    folder = Path(os.environ["RBTRACE_DIR"])
    while not any(file.stat().st_size for file in folder.rglob("*.open")):
        time.sleep(0.05)


def main():
    with rbtrace.span("finished"):
        price()
    with rbtrace.span("open", detail=1):
        price()
        with rbtrace.span("open, too"):
            wait_for_files()
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
