"""How long the parts of a backtest took: by traces, by a stopwatch and by cProfile.

All three give the same: a time for each part, ns, from its calls to their returns.
"""

from __future__ import annotations

import pstats
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from rbtrace.analysis.paths import CallPath
from rbtrace.studies.clocks import Clocked

type Times = dict[str, int]

MEASURED: Final = "baseline.measured"
"""The span around the backtests that count; before them one warms up."""


class Part(NamedTuple):
    """One function: what its spans are called, where its caller finds it, and its own file."""

    span: str
    owner: str
    attribute: str
    file: str


_STRATEGY: Final = "rbtrace.studies.baseline.strategy"


def _step(span: str, attribute: str) -> Part:
    return Part(f"strategy.{span}", _STRATEGY, attribute, "strategy.py")


WHOLE: Final = "whole backtest"
HISTORY: Final = "DataPortal.history"
ON_BAR: Final = "strategy's bar"
ASK: Final = "asking for history"
TRADE: Final = "ordering"
EXTRACT: Final = "asset extraction"
FILTER: Final = "filtering"
CONVERT: Final = "type conversion"
COMPUTE: Final = "computation"
USERS: Final = (ON_BAR, EXTRACT, FILTER, CONVERT, COMPUTE)
"""Parts whose own time is the user's."""

PARTS: Final = {
    WHOLE: Part("run_algorithm", "rustybt", "run_algorithm", "run_algo.py"),
    HISTORY: Part(
        "DataPortal.get_history_window",
        "rustybt.data.data_portal:DataPortal",
        "get_history_window",
        "data_portal.py",
    ),
    ON_BAR: _step("on_bar", "on_bar"),
    ASK: _step("ask", "ask"),
    TRADE: _step("trade", "trade"),
    EXTRACT: _step("extract", "extract"),
    FILTER: _step("filter", "usable"),
    CONVERT: _step("convert", "convert"),
    COMPUTE: _step("compute", "compute"),
}


def clocked() -> dict[str, Clocked]:
    """What a stopwatch is put around; the backtest itself is timed by whoever runs it."""
    return {
        name: Clocked(part.owner, part.attribute, part.span)
        for name, part in PARTS.items()
        if name != WHOLE
    }


def of_paths(paths: Iterable[CallPath]) -> Times:
    """By the traces of one process: the totals of the spans beneath the measured one."""
    names = {part.span: name for name, part in PARTS.items()}
    times = dict.fromkeys(PARTS, 0)
    for one in paths:
        name = names.get(one.path[-1])
        if name and one.path[0] == MEASURED:
            times[name] += one.total_ns
    return times


def of_profile(stats: pstats.Stats) -> Times:
    """By cProfile: the cumulative times of the functions."""
    names = {(part.file, part.attribute): name for name, part in PARTS.items()}
    times = dict.fromkeys(PARTS, 0)
    kept: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    kept = stats.stats  # type: ignore[attr-defined] # typeshed leaves it out
    for (file, _, function), (_, _, _, cumulative, _) in kept.items():
        name = names.get((Path(file).name, function))
        if name:
            times[name] += round(cumulative * 1e9)
    return times
