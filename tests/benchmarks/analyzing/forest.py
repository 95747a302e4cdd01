"""Traces of any size for benchmarks, the same ones every time: a search of many backtests.

Every trace is one backtest: a root, its sessions, and in each of these two dozen operations, three
levels deep, some of them in parallel. Ids look random, as real ones do; most operations have the
same attributes at every call, one has attributes of its own each time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

SESSIONS: Final = 40
WORKERS: Final = 8
_EPOCH_NS: Final = 1_760_000_000_000_000_000


class Operation(NamedTuple):
    """An operation: its name, category, and the position of its parent within a session."""

    name: str
    category: str
    parent: int


_HISTORY = "DataPortal.get_history_window"
_SESSION: Final = (
    Operation("simulate_session", "computation", -1),
    Operation("Strategy.handle_data", "user", 0),
    *[Operation(_HISTORY, "data_access", 1)] * 6,
    *[Operation("read_window", "io", parent) for parent in range(2, 8)],
    *[Operation("order_target_percent", "orders", 1)] * 3,
    Operation("Blotter.process_bar", "orders", 0),
    *[Operation("Ledger.update_portfolio", "computation", 0)] * 2,
    Operation("MetricsTracker.handle_market_close", "metrics", 0),
    *[Operation("metrics.end_of_session", "metrics", 20)] * 4,
)
ROOT: Final = Operation("run_algorithm", "search", -1)
OPERATIONS: Final = (ROOT, *_SESSION)
"""Every operation; spans refer to them by position."""
VARYING: Final = OPERATIONS.index(_SESSION[17])
"""The operation whose attributes differ from call to call."""
SPANS_PER_TRACE: Final = 1 + SESSIONS * len(_SESSION)


class Trace(NamedTuple):
    """The spans of one trace; `parent` is a position in it, -1 for the root; times in ns."""

    number: int
    span_id: npt.NDArray[np.uint64]
    parent: npt.NDArray[np.int64]
    operation: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]


def trace(number: int) -> Trace:
    """Make a trace; the same number makes the same one."""
    random = np.random.default_rng(number)
    size = len(_SESSION)
    begin = np.zeros((SESSIONS, size), np.int64)
    length = np.zeros((SESSIONS, size), np.int64)
    session_ns = 1_000_000
    begin[:, 0] = np.arange(SESSIONS) * session_ns
    length[:, 0] = session_ns - random.integers(1, 50_000, SESSIONS)
    for position, operation in enumerate(_SESSION[1:], 1):
        room = length[:, operation.parent]
        length[:, position] = random.integers(1, room // 3 + 2)
        free = room - length[:, position]
        begin[:, position] = begin[:, operation.parent] + random.integers(0, free + 1)
    above = np.array([operation.parent for operation in _SESSION])
    first = 1 + np.arange(SESSIONS)[:, None] * size
    parent = np.where(above < 0, 0, first + above)
    whole = SESSIONS * session_ns
    start = _EPOCH_NS + number // WORKERS * (whole + 10_000) + begin.ravel()
    origin = _EPOCH_NS + number // WORKERS * (whole + 10_000)
    return Trace(
        number,
        _mixed(np.arange(SPANS_PER_TRACE, dtype=np.uint64) + np.uint64(number * SPANS_PER_TRACE)),
        np.concatenate(([-1], parent.ravel())),
        np.concatenate(([0], np.tile(np.arange(size) + 1, SESSIONS))),
        np.concatenate(([origin], start)),
        np.concatenate(([origin + whole], start + length.ravel())),
    )


def trace_id(number: int) -> bytes:
    """The id of a trace, 16 bytes."""
    pair = _mixed(np.array([2 * number, 2 * number + 1], np.uint64) + np.uint64(1 << 60))
    return pair.astype(">u8").tobytes()


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64: distinct numbers become distinct numbers that look random."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
