"""Memory of each call of the engine's history, by tracemalloc."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from rbtrace.studies.baseline.times import HISTORY, PARTS


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
