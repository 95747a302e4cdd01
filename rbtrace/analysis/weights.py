"""What every span counts for in sums: calls and total time, summaries for all their calls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rbtrace.analysis.arrays import Ints
from rbtrace.analysis.table import SpanTable


class Weights(NamedTuple):
    """Calls and total time (ns) of every span; both 0 for exemplars and implicit spans."""

    calls: Ints
    total_ns: Ints


def weigh(table: SpanTable) -> Weights:
    """Count every call once: in its own span, or in its summary."""
    calls = table.real.astype(np.int64)
    total = np.where(table.real, table.duration, 0)
    calls[table.summaries.row] = table.summaries.calls
    total[table.summaries.row] = table.summaries.total
    return Weights(calls, total)
