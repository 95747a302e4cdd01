"""Time of every line of a function, by line_profiler."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from typing import Any, NamedTuple

from rbtrace.errors import MissingExtraError, RbtraceError


class Line(NamedTuple):
    """A line that ran: how often, for how many ns in all, and its part of the function's time."""

    number: int
    hits: int
    time_ns: int
    share: float
    text: str


class LineProfile[T](NamedTuple):
    """What a function returned, and the time of its lines."""

    result: T
    function: str
    file: str
    lines: list[Line]

    @property
    def total_ns(self) -> int:
        """Time in all lines, ns."""
        return sum(line.time_ns for line in self.lines)

    def to_text(self) -> str:
        """A table: number, hits, time, share, source."""
        rows = [f"{self.function}, {self.file}", f"{'line':>6} {'hits':>9} {'ms':>11} {'%':>6}"]
        rows += [
            f"{line.number:>6} {line.hits:>9,} {line.time_ns / 1e6:>11,.3f} "
            f"{line.share:>6.1%}  {line.text}"
            for line in self.lines
        ]
        return "\n".join(rows) + "\n"


def profile_lines[T](func: Callable[..., T], *args: Any, **kwargs: Any) -> LineProfile[T]:
    """Call a function and time each of its lines, not those of what it calls.

    Args:
        func: a function written in Python; of a decorated one, the function itself is timed.
        args: its positional arguments.
        kwargs: its keyword arguments.

    Returns:
        The result of the call, and the lines that ran, in order.

    Raises:
        MissingExtraError: line_profiler is not installed.
        RbtraceError: there are no lines to time: the function is not written in Python.
    """
    try:
        from line_profiler import LineProfiler  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as problem:
        raise MissingExtraError("profiling", "profile_lines") from problem
    code = getattr(inspect.unwrap(func), "__code__", None)
    if code is None:
        name = getattr(func, "__qualname__", repr(func))
        raise RbtraceError(f"{name} has no lines to time: it is not a function written in Python")
    profiler = LineProfiler()
    profiler.add_function(inspect.unwrap(func))
    profiler.enable_by_count()
    try:
        result = func(*args, **kwargs)
    finally:
        profiler.disable_by_count()
    stats = profiler.get_stats()
    timings = [timing for of_function in stats.timings.values() for timing in of_function]
    ns = [round(time * stats.unit * 1e9) for _, _, time in timings]
    whole = sum(ns) or 1
    lines = [
        Line(number, hits, time, time / whole, linecache.getline(code.co_filename, number).rstrip())
        for (number, hits, _), time in zip(timings, ns, strict=True)
    ]
    return LineProfile(result, code.co_qualname, code.co_filename, sorted(lines))
