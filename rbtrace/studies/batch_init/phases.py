"""The parts of a backtest's initialisation: which functions they are, and what they are called."""

from __future__ import annotations

from typing import Final, NamedTuple


class Phase(NamedTuple):
    """One function of the engine that prepares a backtest, or runs it.

    Attributes:
        name: what reports call it.
        function: where its caller finds it: owner and attribute.
        span: the name of its spans.
        marked: whether the study itself marks it for tracing; the engine's table has the others.
        within: the phase it is part of, if of another than the whole.
    """

    name: str
    function: tuple[str, str]
    span: str
    marked: bool = True
    within: str = ""


WHOLE: Final = "whole backtest"
WHOLE_SPAN: Final = "run_algorithm"
RUN: Final = "run"
INITIALIZE: Final = "strategy's initialize"
LOAD: Final = "bundle load"

_RUN_ALGO: Final = "rustybt.utils.run_algo"

PHASES: Final = (
    Phase(LOAD, (f"{_RUN_ALGO}:bundles", "load"), "bundles.load", marked=False),
    Phase(
        "asset finder",
        ("rustybt.data.bundles.core:AssetFinder", "__init__"),
        "AssetFinder.__init__",
        within=LOAD,
    ),
    Phase(
        "bar reader",
        ("rustybt.data.bundles.core:BcolzDailyBarReader", "__init__"),
        "BcolzDailyBarReader.__init__",
        within=LOAD,
    ),
    Phase(
        "adjustment reader",
        ("rustybt.data.bundles.core:SQLiteAdjustmentReader", "__init__"),
        "SQLiteAdjustmentReader.__init__",
        within=LOAD,
    ),
    Phase("calendar", (_RUN_ALGO, "get_calendar"), "get_calendar"),
    Phase("data portal", (f"{_RUN_ALGO}:DataPortal", "__init__"), "DataPortal.__init__"),
    Phase("algorithm", (f"{_RUN_ALGO}:TradingAlgorithm", "__init__"), "TradingAlgorithm.__init__"),
    Phase(
        INITIALIZE,
        (f"{_RUN_ALGO}:TradingAlgorithm", "initialize"),
        "TradingAlgorithm.initialize",
        marked=False,
        within=RUN,
    ),
    Phase(RUN, (f"{_RUN_ALGO}:TradingAlgorithm", "run"), "TradingAlgorithm.run", marked=False),
)
