"""Plain counters of `DataPortal` calls, to check the traced counts against.

Each process appends one byte for each call to a file of its own per method: nothing is held in
memory, so nothing is lost however a process ends, and the count is the size of the files.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

METHODS = (
    "get_history_window",
    "get_spot_value",
    "get_scalar_asset_spot_value",
    "get_adjusted_value",
    "get_adjustments",
    "get_splits",
)


def install(folder: Path) -> None:
    """Count every call from now on, in this process and in those forked from it."""
    from rustybt.data.data_portal import DataPortal

    folder.mkdir(parents=True, exist_ok=True)
    for method in METHODS:
        setattr(DataPortal, method, _counted(getattr(DataPortal, method), folder, method))


def read(folder: Path) -> dict[str, int]:
    """Calls of each method, all processes together."""
    return {m: sum(file.stat().st_size for file in folder.glob(f"{m}.*")) for m in METHODS}


def processes(folder: Path) -> set[str]:
    """Pids of the processes that made a call."""
    return {file.suffix for file in folder.iterdir()}


def _counted(function: Callable[..., Any], folder: Path, method: str) -> Callable[..., Any]:
    files: dict[int, int] = {}

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        pid = os.getpid()
        if pid not in files:
            path = folder / f"{method}.{pid}"
            files[pid] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(files[pid], b".")
        return function(*args, **kwargs)

    return counted
