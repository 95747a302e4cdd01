"""Exact self times of generated traces and of one known trace, to judge programs by.

The known trace has children that run in parallel, overlap and lie within each other. Its self times
are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from tests.benchmarks.analyzing.forest import OPERATIONS, SPANS_PER_TRACE, Trace, trace
from tests.benchmarks.analyzing.reference import self_times

TOLERANCE: Final = 0.01
"""Self times are right where none is off by more than this part of itself: outputs are rounded."""
US: Final = 1000
_MS: Final = 1_000_000
_EPOCH_NS: Final = 1_760_000_000_000_000_000

# Operation, position of the parent, start and end in ms.
_KNOWN: Final = (
    ("run_algorithm", -1, 0, 100),
    ("simulate_session", 0, 10, 50),
    ("simulate_session", 0, 30, 70),
    ("Strategy.handle_data", 1, 12, 48),
    ("DataPortal.get_history_window", 3, 14, 34),
    ("DataPortal.get_history_window", 3, 20, 44),
    ("read_window", 4, 16, 30),
    ("read_window", 4, 18, 22),
    ("Blotter.process_bar", 2, 40, 60),
    ("Ledger.update_portfolio", 2, 55, 70),
)
KNOWN_SELF_NS: Final = {
    "run_algorithm": 40 * _MS,  # 100 less the union 10-70
    "simulate_session": 14 * _MS,  # 40 less 36, and 40 less the union 40-70
    "Strategy.handle_data": 6 * _MS,  # 36 less the union 14-44
    "DataPortal.get_history_window": 30 * _MS,  # 20 less the union 16-30, and 24
    "read_window": 18 * _MS,
    "Blotter.process_bar": 20 * _MS,
    "Ledger.update_portfolio": 15 * _MS,
}
"""Operation → self time in the known trace, ns."""


def known_trace() -> Trace:
    """The trace with parallel children whose self times are known."""
    names = [operation.name for operation in OPERATIONS]
    return Trace(
        number=0,
        span_id=np.arange(1, len(_KNOWN) + 1, dtype=np.uint64),
        parent=np.array([parent for _, parent, _, _ in _KNOWN]),
        operation=np.array([names.index(name) for name, _, _, _ in _KNOWN]),
        start=np.array([_EPOCH_NS + start * _MS for _, _, start, _ in _KNOWN]),
        end=np.array([_EPOCH_NS + end * _MS for _, _, _, end in _KNOWN]),
    )


def generated(spans: int) -> Iterator[Trace]:
    """Whole traces until there are at least so many spans."""
    return map(trace, range(-(-spans // SPANS_PER_TRACE)))


def true_self_ns(traces: Iterator[Trace], unit_ns: int) -> dict[str, int]:
    """Self time of every operation, ns, of traces whose times are cut to whole units.

    A format that knows microseconds only makes another trace of a trace, and a program is right
    when it is right about the one that it was given.
    """
    spent = np.zeros(len(OPERATIONS), np.int64)
    for spans in traces:
        parents = np.where(spans.parent < 0, np.uint64(0), spans.span_id[spans.parent])
        own = self_times(spans.span_id, parents, spans.start // unit_ns, spans.end // unit_ns)
        np.add.at(spent, spans.operation, own * unit_ns)
    by_name: dict[str, int] = {}
    for operation, own_ns in zip(OPERATIONS, spent.tolist(), strict=True):
        by_name[operation.name] = by_name.get(operation.name, 0) + own_ns
    return {name: own_ns for name, own_ns in by_name.items() if own_ns}


def greatest_error(given: Mapping[str, int], true: Mapping[str, int]) -> tuple[str, float]:
    """The operation whose self time is furthest from the true one, and by what part of it."""
    errors = {name: abs(given.get(name, 0) - own_ns) / own_ns for name, own_ns in true.items()}
    worst = max(errors, key=lambda name: errors[name])
    return worst, errors[worst]
