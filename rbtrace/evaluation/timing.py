"""Timing of functions in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

_MANY_NS: Final = 2_000_000
"""A function is called until so much time has passed: a clock's resolution is far below it."""


@dataclass(frozen=True)
class TimedExecution:
    """One call and what it took.

    Attributes:
        result: what the function returned.
        duration_ns: wall time, ns.
        cpu_ns: CPU time of the process, ns.
    """

    result: Any
    duration_ns: int
    cpu_ns: int


def timed(
    function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> TimedExecution:
    """Call a function once and time it. What it raises is passed on."""
    named = kwargs or {}
    cpu = time.process_time_ns()
    start = time.perf_counter_ns()
    result = function(*args, **named)
    duration = time.perf_counter_ns() - start
    return TimedExecution(result, duration, time.process_time_ns() - cpu)


def timed_pairs(
    baseline: Callable[..., Any],
    candidate: Callable[..., Any],
    args: Sequence[Any] = (),
    *,
    pairs: int = 10,
    seed: int = 0,
) -> tuple[list[float], list[float]]:
    """Time two functions in turns, in random order within each pair, after one call to warm up.

    Good for functions that do not depend on the state of the process. What start-up, memory layout
    and hash seeds do to a program is seen in fresh processes only.

    Returns:
        Duration of one call in each pair, ns, of the baseline and of the candidate. Short
        functions are called many times; both equally often.
    """
    functions = baseline, candidate
    calls = max(
        1, _MANY_NS // max(1, *(timed(function, args).duration_ns for function in functions))
    )
    durations: tuple[list[float], list[float]] = ([], [])
    order = Random(seed)  # noqa: S311 - an order, not a secret
    for _ in range(pairs):
        for arm in order.sample((0, 1), 2):
            durations[arm].append(_per_call(functions[arm], args, calls))
    return durations


def _per_call(function: Callable[..., Any], args: Sequence[Any], calls: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(calls):
        function(*args)
    return (time.perf_counter_ns() - start) / calls
