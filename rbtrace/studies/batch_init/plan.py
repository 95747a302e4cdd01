"""Batch initialisation: what a worker pays before the first bar, and how that grows with assets.

A case is one fresh process, a worker, that runs a batch of equal backtests one after the other.
The first is cold: the bundle is not in the page cache, calendars are not computed. The others are
warm. `rbtrace.studies.batch_init.report` says what was found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

from rbtrace.studies.batch_init.figures import PHASES, WHOLE
from rbtrace.studies.batch_init.report import batch_init_report as report
from rbtrace.studies.journal import Case, Settings
from rbtrace.studies.measuring import Stopwatch, TimedFunction, memory_here
from rbtrace.studies.workloads import engine
from rbtrace.studies.workloads.bundles import (
    DATA_FOLDER_VARIABLE,
    ensure_ingested,
    ensure_registered,
)

__all__ = ["cases", "measure", "report"]

_MONTH: Final = 21
_YEAR: Final = 251
_FULL: Final = (10, 20, 50, 100, 200, 500)
_QUICK: Final = (5, 10, 20, 40)
_PROCESS_S: Final = 5.0
"""An interpreter with the engine imported, and its calendars."""
_BAR_ASSET_S: Final = 0.00013
"""One bar of one asset in the strategy of this study."""


def cases(*, quick: bool) -> list[Case]:
    """The ingestion first, then workers of every size in turns, so that what drifts hits all."""
    sizes = _QUICK if quick else _FULL
    planned = [_ingestion(sizes)]
    for repetition in range(1, 2 if quick else 6):
        planned += [_batch(size, _MONTH, 3 if quick else 25, repetition) for size in sizes]
    if quick:
        return [*planned, _batch(sizes[0], _MONTH, 3, 1, traced=False)]
    for repetition in range(1, 6):
        planned += [_batch(size, _MONTH, 5, repetition, traced=False) for size in (10, 100, 500)]
    for repetition in range(1, 4):
        planned += [_batch(size, _YEAR, 2, repetition) for size in (10, 100, 500)]
    return planned


def measure(settings: Settings, data: Path) -> dict[str, Any]:
    """Ingest, or run one batch; times in ns, memory in bytes."""
    engine.prepare(data)
    if settings["do"] == "ingest":
        for size in str(settings["assets"]).split():
            ensure_ingested(f"rbtrace-{size}-assets")
        return {}
    assets, sessions = int(settings["assets"]), int(settings["sessions"])
    backtest = engine.many_assets_daily(assets, sessions)
    ensure_registered(backtest.bundle)
    _forget_pages(Path(os.environ[DATA_FOLDER_VARIABLE], "data", backtest.bundle).rglob("*"))
    stopwatch = Stopwatch()
    stopwatch.attach(
        {phase.name: TimedFunction(*phase.function, phase.span, phase.marked) for phase in PHASES}
    )
    before = memory_here()
    backtests, resident, value = [], [], 0.0
    for _ in range(int(settings["backtests"])):
        started = perf_counter_ns()
        performance = engine.run_backtest(backtest)
        backtests.append(stopwatch.take() | {WHOLE: perf_counter_ns() - started})
        resident.append(memory_here().resident)
        value = float(performance["portfolio_value"].iloc[-1])
    return {
        "backtests": backtests,
        "before_bytes": before.resident,
        "resident_bytes": resident,
        "peak_bytes": memory_here().peak,
        "portfolio_value": value,
    }


def _ingestion(sizes: Iterable[int]) -> Case:
    assets = " ".join(map(str, sizes))
    return Case({"do": "ingest", "assets": assets}, _PROCESS_S + 5.0, traced=False)


def _batch(
    assets: int, sessions: int, backtests: int, repetition: int, *, traced: bool = True
) -> Case:
    settings: Settings = {
        "do": "batch",
        "assets": assets,
        "sessions": sessions,
        "backtests": backtests,
        "repetition": repetition,
    }
    each = 0.1 + 0.001 * assets + _BAR_ASSET_S * assets * sessions
    return Case(settings, _PROCESS_S + each * backtests, traced)


def _forget_pages(files: Iterable[Path]) -> None:
    """Let the page cache forget files, so that a first load has to read them from the disk."""
    if sys.platform != "linux":
        return
    for path in files:
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
