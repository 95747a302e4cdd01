"""Baseline: where the time and the memory of a backtest go, beside figures published earlier.

A case is one fresh process that runs equal backtests of one workload: traced, with a stopwatch
around the same functions; or untraced, by the stopwatch alone; or watched for its memory and once
under cProfile. `rbtrace.studies.baseline.report` says what was found.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final, NamedTuple

import rbtrace
from rbtrace.errors import RbtraceError
from rbtrace.profiling import ProfileContext, profile_memory
from rbtrace.studies.baseline.figures import (
    HISTORY,
    MEASURED,
    PARTS,
    WHOLE,
    clocked,
    times_of_profile,
)
from rbtrace.studies.baseline.report import baseline_report as report
from rbtrace.studies.baseline.strategy import WrangledMomentum
from rbtrace.studies.journal import Case, Settings
from rbtrace.studies.measuring import Stopwatch
from rbtrace.studies.workloads import engine
from rbtrace.studies.workloads.bundles import ensure_ingested, ensure_registered
from rbtrace.studies.workloads.market_data import trading_sessions


class Calls:
    """What calls allocated, bytes: at most at a time, and what was still held after each.

    Allocations are traced within the calls only, so that all else takes as long as ever.
    """

    def __init__(self) -> None:
        self.peak: list[int] = []
        self.net: list[int] = []

    def call(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call a function and note what it allocated."""
        tracemalloc.start()
        try:
            result = function(*arguments, **options)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.peak.append(peak)
        self.net.append(held)
        return result


@contextmanager
def history_calls() -> Iterator[Calls]:
    """Within the block, note what every call of `DataPortal.get_history_window` allocates.

    Python's and numpy's allocations count, those of C libraries with an allocator of their own
    (blosc's decompression) do not.
    """
    from rustybt.data.data_portal import DataPortal  # noqa: PLC0415 - heavy

    attribute = PARTS[HISTORY].attribute
    original = getattr(DataPortal, attribute)
    calls = Calls()

    @wraps(original)
    def noted(*arguments: Any, **options: Any) -> Any:
        return calls.call(original, *arguments, **options)

    setattr(DataPortal, attribute, noted)
    try:
        yield calls
    finally:
        setattr(DataPortal, attribute, original)


__all__ = ["cases", "measure", "report"]

_MINUTE: Final = "minute"
_MINUTE_LOOKBACK: Final = 60
_PROCESS_S: Final = 4.0
"""An interpreter with the engine imported, and its calendars."""
_INGESTION_S: Final = 3.0
_WARM_UP_SESSIONS: Final = 1


class _Workload(NamedTuple):
    """What is run: bars, assets, sessions; and how often in one process that is to be timed."""

    bars: str
    assets: int
    sessions: int
    backtests: int
    expected_s: float

    @property
    def settings(self) -> Settings:
        return {"bars": self.bars, "assets": self.assets, "sessions": self.sessions}


_FULL: Final = (
    _Workload("daily", 10, 251, 3, 1.3),
    _Workload("daily", 100, 126, 1, 3.5),
    _Workload(_MINUTE, 10, 5, 1, 7.0),
)
_QUICK: Final = (_Workload("daily", 10, 63, 1, 0.4), _Workload(_MINUTE, 5, 1, 1, 1.0))


def cases(*, quick: bool) -> list[Case]:
    """The ingestion first, then the workloads in turns, so that what drifts hits all."""
    workloads = _QUICK if quick else _FULL
    ingestion: Settings = {"do": "ingest", "assets": _sizes(workloads)}
    planned = [Case(ingestion, _PROCESS_S + _INGESTION_S, traced=False)]
    for repetition in range(1, 2 if quick else 9):
        planned += [_backtests(workload, repetition, traced=True) for workload in workloads]
    compared = workloads[:1] if quick else workloads
    for repetition in range(1, 2 if quick else 6):
        planned += [_backtests(workload, repetition, traced=False) for workload in compared]
    for repetition in range(1, 2 if quick else 4):
        planned += [
            Case(
                {"do": "profiles", **workload.settings, "repetition": repetition},
                _PROCESS_S + 4 * workload.expected_s,
                traced=False,
            )
            for workload in compared
        ]
    return planned


def measure(settings: Settings, data: Path) -> dict[str, Any]:
    """Ingest, or run one case; times in ns, memory in bytes."""
    engine.prepare(data)
    if settings["do"] == "ingest":
        for size in str(settings["assets"]).split():
            ensure_ingested(f"rbtrace-{size}-assets")
        ensure_ingested("rbtrace-minute")
        return {}
    backtest = _backtest(settings)
    ensure_registered(backtest.bundle)
    if settings["do"] == "profiles":
        return _profiles(backtest)
    return _timed(backtest, _backtest(settings | {"sessions": _WARM_UP_SESSIONS}), settings)


def _timed(
    backtest: engine.Backtest, warm_up: engine.Backtest, settings: Settings
) -> dict[str, Any]:
    """Backtests under the stopwatch; the one before them warms up and does not count."""
    stopwatch = Stopwatch()
    stopwatch.attach(clocked())
    engine.run_backtest(warm_up)
    stopwatch.take()
    times, value = [], 0.0
    with rbtrace.span(MEASURED):
        for _ in range(int(settings["backtests"])):
            started = perf_counter_ns()
            performance = engine.run_backtest(backtest)
            times.append(stopwatch.take() | {WHOLE: perf_counter_ns() - started})
            value = float(performance["portfolio_value"].iloc[-1])
    return {"backtests": times, "portfolio_value": value}


def _profiles(backtest: engine.Backtest) -> dict[str, Any]:
    """Resident memory of a first backtest, cProfile of a second, tracemalloc of a third."""
    resident = profile_memory(engine.run_backtest, backtest)
    with ProfileContext(MEASURED) as profile:
        engine.run_backtest(backtest)
    stats = profile.get_stats()
    if stats is None:
        raise RbtraceError("another profiler is active: run the study without it")
    with history_calls() as calls:
        performance = engine.run_backtest(backtest)
    return {
        "cprofile": times_of_profile(stats),
        "start_bytes": resident.start,
        "peak_bytes": resident.peak,
        "call_peak_bytes": calls.peak,
        "call_net_bytes": calls.net,
        "portfolio_value": float(performance["portfolio_value"].iloc[-1]),
    }


def _backtest(settings: Settings) -> engine.Backtest:
    assets, sessions = int(settings["assets"]), int(settings["sessions"])
    if settings["bars"] == _MINUTE:
        days = trading_sessions()[1:][:sessions]
        strategy = WrangledMomentum(assets, "1m", _MINUTE_LOOKBACK, every=30)
        return engine.Backtest("rbtrace-minute", strategy, days[0], days[-1], _MINUTE)
    backtest = engine.many_assets_daily(assets, sessions)
    return replace(backtest, strategy=WrangledMomentum(assets))


def _sizes(workloads: tuple[_Workload, ...]) -> str:
    return " ".join(str(workload.assets) for workload in workloads if workload.bars != _MINUTE)


def _backtests(workload: _Workload, repetition: int, *, traced: bool) -> Case:
    settings: Settings = {
        "do": "backtests",
        **workload.settings,
        "backtests": workload.backtests,
        "repetition": repetition,
    }
    return Case(settings, _PROCESS_S + workload.backtests * workload.expected_s, traced)
