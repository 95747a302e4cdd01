"""The measured strategy: what users' code does around its indicators, a function per step.

On every bar: which assets are there, their prices, those that are usable, as arrays, indicators of
them, and orders. The steps are aggregated as hot calls, each with its kind of work, so that traces
say what share each has. Callers find them in this module, where a study can time them, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import rbtrace
from rbtrace.conventions import Category

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_FAST: Final = 5
_LEAST_BARS: Final = 15
_RSI_BARS: Final = 14


@dataclass(frozen=True, slots=True)
class WrangledMomentum:
    """Hold, in equal parts, the assets with the best trend for their risk.

    Attributes:
        assets: number of assets to choose from, by symbol.
        frequency: of the bars that are asked for: `1d` or `1m`.
        lookback: bars that are asked for.
        holdings: number of assets held.
        every: bars between two rotations.
    """

    assets: int
    frequency: str = "1d"
    lookback: int = 20
    holdings: int = 3
    every: int = 5

    def initialize(self, context: Any) -> None:
        """Begin to count."""
        context.bar = 0
        context.held = set()

    def handle_data(self, context: Any, data: Any) -> None:
        """Rank the assets on each bar; trade on some."""
        on_bar(self, context, data)


@rbtrace.traced(name="strategy.on_bar", hot=True, category=Category.USER)
def on_bar(strategy: WrangledMomentum, context: Any, data: Any) -> None:
    """One bar, step by step."""
    assets = extract(context, strategy.assets)
    closes, volumes = ask(data, assets, strategy.lookback, strategy.frequency)
    scores = compute(convert(usable(closes, volumes)))
    if context.bar % strategy.every == 0:
        best = sorted(scores, key=scores.__getitem__, reverse=True)
        trade(context, set(best[: strategy.holdings]), strategy.holdings)
    context.bar += 1


@rbtrace.traced(name="strategy.extract", hot=True, category=Category.DATA_WRANGLING)
def extract(context: Any, most: int) -> list[Any]:
    """Asset extraction: the first assets of the bundle that are traded in this session."""
    finder = context.asset_finder
    session = context.get_datetime().tz_localize(None).normalize()
    equities = finder.retrieve_all(finder.equities_sids)
    alive = [asset for asset in equities if asset.start_date <= session <= asset.end_date]
    return sorted(alive, key=lambda asset: asset.symbol)[:most]


@rbtrace.traced(name="strategy.ask", hot=True, category=Category.DATA_ACCESS)
def ask(
    data: Any, assets: Sequence[Any], bars: int, frequency: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ask the engine for closes and volumes: not the user's own work."""
    closes, volumes = (
        data.history(assets, field, bars, frequency) for field in ("close", "volume")
    )
    return closes, volumes


@rbtrace.traced(name="strategy.filter", hot=True, category=Category.DATA_WRANGLING)
def usable(closes: pd.DataFrame, volumes: pd.DataFrame) -> dict[Any, pd.Series]:
    """Filtering: the bars of each asset that were traded; assets that have enough of them."""
    traded = {}
    for asset in closes.columns:
        bars = closes[asset]
        bars = bars[bars.notna() & (volumes[asset] > 0)]
        if len(bars) >= _LEAST_BARS:
            traded[asset] = bars
    return traded


@rbtrace.traced(name="strategy.convert", hot=True, category=Category.DATA_WRANGLING)
def convert(bars: Mapping[Any, pd.Series]) -> dict[Any, np.ndarray[Any, Any]]:
    """Type conversion: from series to plain arrays of doubles."""
    return {asset: series.to_numpy(dtype="float64", copy=True) for asset, series in bars.items()}


@rbtrace.traced(name="strategy.compute", hot=True, category=Category.COMPUTATION)
def compute(prices: Mapping[Any, np.ndarray[Any, Any]]) -> dict[Any, float]:
    """Computation: trend by two averages and the relative strength index, for their risk."""
    return {asset: _score(series) for asset, series in prices.items()}


@rbtrace.traced(name="strategy.trade", hot=True, category=Category.ORDERS)
def trade(context: Any, chosen: set[Any], holdings: int) -> None:
    """Order what is to be held: the engine's work."""
    for asset in sorted(chosen | context.held):
        context.order_target_percent(asset, 0.95 / holdings if asset in chosen else 0.0)
    context.held = chosen


def _score(prices: np.ndarray[Any, Any]) -> float:
    changes = prices[1:] - prices[:-1]
    recent = changes[-_RSI_BARS:]
    rises, moves = float(recent[recent > 0].sum()), float(abs(recent).sum())
    strength = rises / moves if moves else 0.5
    trend = float(prices[-_FAST:].mean() / prices.mean()) - 1.0
    risk = float((changes / prices[:-1]).std())
    return strength * trend / risk if risk else 0.0
