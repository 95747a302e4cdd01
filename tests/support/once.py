"""Making a thing that is dear, and the same for all tests, once for all processes of a run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of a name, which `make` has filled: here, or in another process of the run.

    Where it failed once it is not tried again.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / name
    with (shared / f"{name}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        outcome = lock.read()
        if not outcome:
            folder.mkdir()
            try:
                make(folder)
            except BaseException as problem:
                lock.write(f"failed: {problem!r}")
                raise
            lock.write("made")
        elif outcome != "made":
            pytest.fail(f"{name} could not be made in another process: {outcome}")
    return folder
