"""Memory of each call of the engine's history, by tracemalloc."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from rbtrace.scenarios.studies.baseline_times import HISTORY, PARTS


class Calls:
    """What calls allocated, bytes: at most at a time, and what was still held after each."""

    def __init__(self) -> None:
        self.peak: list[int] = []
        self.net: list[int] = []

    def call(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call a function and note what it allocated."""
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = function(*arguments, **options)
        after, peak = tracemalloc.get_traced_memory()
        self.peak.append(peak - before)
        self.net.append(after - before)
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
    tracemalloc.start()
    try:
        yield calls
    finally:
        tracemalloc.stop()
        setattr(DataPortal, attribute, original)
