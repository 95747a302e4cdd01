"""Running one rustybt backtest on the prices of a scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from rbtrace.errors import MissingExtraError
from rbtrace.studies.workloads import bundles
from rbtrace.studies.workloads.bundles import quiet_engine_logs, without_engine_warnings
from rbtrace.studies.workloads.market_data import TEN_ASSETS, WARM_UP_SESSIONS, many_assets
from rbtrace.studies.workloads.strategies import MomentumRotation, MovingAverageCrossover

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_CAPITAL: Final = 100_000.0


class Strategy(Protocol):
    """rustybt's callbacks of a strategy."""

    def initialize(self, context: Any) -> None:
        """Prepare `context`, once."""

    def handle_data(self, context: Any, data: Any) -> None:
        """Act on one bar."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """One deterministic backtest; picklable, so that worker processes can run it.

    Attributes:
        bundle: a key of `bundles.BUNDLES` or `bundles.MINUTE_BUNDLES`.
        strategy: what to trade, and how.
        start: first session, ISO date.
        end: last session, ISO date.
        frequency: of its bars, `daily` or `minute`.
    """

    bundle: str
    strategy: Strategy
    start: str
    end: str
    frequency: str = "daily"


def goog_crossover(fast: int, slow: int, start: str, end: str) -> Backtest:
    """A moving-average crossover on GOOG, between two sessions of 2004-08 to 2013-02."""
    strategy = MovingAverageCrossover(symbol="GOOG", fast=fast, slow=slow)
    return Backtest("rbtrace-goog", strategy, start, end)


def ten_assets_daily() -> Backtest:
    """The benchmark: ten assets, one year of daily bars."""
    symbols = tuple(f"{name}-{year}" for name, year in TEN_ASSETS)
    return Backtest("rbtrace-ten-assets", MomentumRotation(symbols), "2010-01-04", "2010-12-30")


def many_assets_daily(number: int, sessions: int) -> Backtest:
    """The same strategy on any number of assets of `bundles.MANY`, for up to 251 sessions."""
    frames = many_assets(number)
    symbols = tuple(frames)
    days = frames[symbols[0]].index[WARM_UP_SESSIONS:][:sessions]
    start, end = (day.date().isoformat() for day in (days[0], days[-1]))
    return Backtest(f"rbtrace-{number}-assets", MomentumRotation(symbols), start, end)


def prepare(folder: Path, *names: str) -> None:
    """Make rustybt ready: its data folder, quiet logs and the ingested bundles.

    Args:
        folder: where rustybt keeps everything it writes.
        names: bundles to ingest unless they already are.

    Raises:
        MissingExtraError: rustybt, or a package with the prices, is not installed.
    """
    try:
        # rustybt's names are lazy: this one brings most of the engine. Whoever times a backtest
        # does not mean its imports.
        from rustybt import run_algorithm  # noqa: F401, PLC0415 - heavy
    except ModuleNotFoundError as problem:
        raise MissingExtraError("demo", "the demo") from problem
    quiet_engine_logs()
    bundles.use_data_folder(folder)
    for name in names:
        bundles.ensure_ingested(name)


def run_backtest(backtest: Backtest) -> pd.DataFrame:
    """Run a backtest through `rustybt.run_algorithm`; return its daily performance."""
    import pandas as pd  # noqa: PLC0415 - heavy
    from rustybt import run_algorithm  # noqa: PLC0415 - heavy

    bundles.ensure_registered(backtest.bundle)
    with without_engine_warnings():
        performance: pd.DataFrame = run_algorithm(
            start=pd.Timestamp(backtest.start),
            end=pd.Timestamp(backtest.end),
            initialize=backtest.strategy.initialize,
            handle_data=backtest.strategy.handle_data,
            capital_base=_CAPITAL,
            data_frequency=backtest.frequency,
            bundle=backtest.bundle,
            default_extension=False,
        )
    return performance


def metrics(performance: pd.DataFrame) -> dict[str, float]:
    """The figures rustybt's objective functions ask for, from the daily performance."""
    values = performance["portfolio_value"]
    sharpe = performance["sharpe"].iloc[-1]
    return {
        # Undefined while nothing was traded: not a number, or None if in no session anything was.
        "sharpe_ratio": float(sharpe) if sharpe is not None and math.isfinite(sharpe) else 0.0,
        "total_return": float(values.iloc[-1]) / _CAPITAL - 1.0,
        "max_drawdown": float(performance["max_drawdown"].min()),
    }
