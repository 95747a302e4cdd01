"""Deterministic strategies. Each is a frozen, picklable value with rustybt's two callbacks.

`context` is rustybt's `TradingAlgorithm`, so everything of `rustybt.api` is a method of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MovingAverageCrossover:
    """Hold one asset while its fast moving average is above the slow one.

    Attributes:
        symbol: the asset.
        fast: sessions in the fast average.
        slow: sessions in the slow average.
        weight: part of the portfolio's value to hold.
        band: by how much of the slow average the fast one has to be above it.
    """

    symbol: str = "GOOG"
    fast: int = 10
    slow: int = 50
    weight: float = 0.95
    band: float = 0.0

    def initialize(self, context: Any) -> None:
        """Look up the asset."""
        context.asset = context.symbol(self.symbol)
        context.invested = None

    def handle_data(self, context: Any, data: Any) -> None:
        """Trade when the averages have crossed since the last session."""
        closes = data.history(context.asset, "close", self.slow, "1d")
        above = bool(closes.iloc[-self.fast :].mean() > closes.mean() * (1 + self.band))
        if above != context.invested:
            context.order_target_percent(context.asset, self.weight if above else 0.0)
            context.invested = above
        context.record(price=data.current(context.asset, "close"))


@dataclass(frozen=True, slots=True)
class MomentumRotation:
    """Hold, in equal parts, the assets that rose most over the lookback.

    Attributes:
        symbols: the assets to choose from.
        lookback: sessions over which the rise is measured.
        holdings: number of assets held.
        every: sessions between two rotations.
    """

    symbols: tuple[str, ...]
    lookback: int = 20
    holdings: int = 3
    every: int = 5

    def initialize(self, context: Any) -> None:
        """Look up the assets."""
        context.assets = context.symbols(*self.symbols)
        context.session = 0
        context.held = set()

    def handle_data(self, context: Any, data: Any) -> None:
        """Rank the assets each session; trade on some."""
        closes = data.history(context.assets, "close", self.lookback, "1d")
        prices = data.current(context.assets, "close")
        rise = (prices / closes.iloc[0]).sort_values(ascending=False)
        if context.session % self.every == 0:
            chosen = set(rise.index[: self.holdings])
            for asset in sorted(chosen | context.held):
                context.order_target_percent(
                    asset, 0.95 / self.holdings if asset in chosen else 0.0
                )
            context.held = chosen
        context.session += 1
