"""cProfile's statistics: read from anything that has some, added up, as shares, as stacks."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from rbtrace.analysis.arrays import apportion
from rbtrace.errors import InputError
from rbtrace.files.profiles import Frame
from rbtrace.profiling.context import BlockProfile
from rbtrace.profiling.flamegraph.profile import EMPTY, Process, Profile, Stacks

type Function = tuple[str, int, str]
"""File, line, name."""
type Statistics = pstats.Stats | cProfile.Profile | BlockProfile | str | Path

_HUNDRED_PERCENT: Final = 1_000_000
"""In ten-thousandths of a per cent."""
_LEAST: Final = 1e-5
"""Part of the whole below which a call path is not followed further."""


class FunctionShare(NamedTuple):
    """A function: calls, seconds in itself and with what it calls, per cent of all self time."""

    name: str
    file: str
    line: int
    calls: int
    self_seconds: float
    total_seconds: float
    percent: Decimal


class AggregatedStats(NamedTuple):
    """Several profiles as one; the functions with the most self time first."""

    profiles: int
    calls: int
    self_seconds: float
    functions: list[FunctionShare]


def aggregate_profile_stats(stats_list: Iterable[Statistics]) -> AggregatedStats:
    """Add up profiles.

    Args:
        stats_list: `pstats.Stats`, profiles of cProfile, `ProfileContext`s, or paths of saved ones.

    Returns:
        All functions. Their `percent` add to 100 exactly, rounded by largest remainder.

    Raises:
        InputError: there is nothing, or something has no statistics.
    """
    merged = pstats.Stats()
    profiles = [statistics_of(data) for data in stats_list]
    for profile in profiles:
        merged.add(profile)
    functions = _functions(merged)
    if not functions:
        raise InputError("there are no statistics to add up")
    functions.sort(key=lambda item: (-item[1][2], item[0]))
    self_ns = np.array([round(figures[2] * 1e9) for _, figures in functions], np.int64)
    parts = apportion(
        np.array([_HUNDRED_PERCENT], np.int64),
        np.zeros(1, np.int64),
        self_ns,
        np.zeros(1, np.int64),
    )
    shares = [
        FunctionShare(
            name, file, line, figures[1], figures[2], figures[3], Decimal(part).scaleb(-4)
        )
        for ((file, line, name), figures), part in zip(functions, parts.tolist(), strict=True)
    ]
    return AggregatedStats(
        profiles=len(profiles),
        calls=sum(function.calls for function in shares),
        self_seconds=sum(function.self_seconds for function in shares),
        functions=shares,
    )


def statistics_of(data: Statistics) -> pstats.Stats:
    """The statistics of anything that has some.

    Raises:
        InputError: it has none; the message says what it is.
    """
    if isinstance(data, pstats.Stats):
        return data
    if isinstance(data, BlockProfile):
        stats = data.get_stats()
        if stats is None:
            raise InputError(f"the profile {data.name} has no statistics: nothing was profiled")
        return stats
    if isinstance(data, cProfile.Profile):
        return pstats.Stats(data)
    try:
        return pstats.Stats(str(data))
    except (OSError, ValueError, EOFError, TypeError) as problem:
        raise InputError(f"cannot read statistics from {data}: {problem}") from None


def _functions(stats: pstats.Stats) -> list[tuple[Function, Any]]:
    return list(stats.stats.items())  # type: ignore[attr-defined]


def profile_of_statistics(stats: pstats.Stats, title: str) -> Profile:
    """Stacks, as far as statistics tell.

    cProfile knows pairs of caller and callee, not paths: what a function took is divided among the
    paths to it in proportion to what it took from each caller, as gprof did (Graham, Kessler and
    McKusick, "gprof: a call graph execution profiler", 1982). Recursions are cut.
    """
    stacks = Stacks()
    samples = [
        (stacks.of([_frame(function) for function in path]), weight)
        for path, weight in _Paths(stats).walk()
    ]
    stack = np.array([number for number, _ in samples], np.int32)
    weight = np.array([round(seconds * 1e9) for _, seconds in samples], np.int64)
    frames, parent, frame = stacks.columns()
    return Profile(
        frames,
        parent,
        frame,
        time=np.cumsum(weight),
        weight=weight,
        count=np.ones(stack.size, np.int64),
        stack=stack,
        span=np.zeros(stack.size, np.uint64),
        process=np.full(stack.size, EMPTY, np.int32),
        processes=[Process(title)],
        measured=False,
    )


def _frame(function: Function) -> Frame:
    file, line, name = function
    return Frame(name, "" if file == "~" else file, line)


class _Paths:
    def __init__(self, stats: pstats.Stats) -> None:
        self._total = {function: figures[3] for function, figures in _functions(stats)}
        self._callees: dict[Function, list[tuple[Function, float, float]]] = {}
        self._roots = []
        for function, (_, _, self_s, total_s, callers) in _functions(stats):
            if not set(callers) - {function}:
                self._roots.append((function, self_s, total_s))
            for caller, figures in callers.items():
                if caller != function:
                    self._callees.setdefault(caller, []).append((function, figures[2], figures[3]))
        self._least = _LEAST * sum(total for _, _, total in self._roots)

    def walk(self) -> Iterator[tuple[tuple[Function, ...], float]]:
        """Paths and the seconds at their ends."""
        pending: list[tuple[tuple[Function, ...], float, float]]
        pending = [((function,), self_s, total_s) for function, self_s, total_s in self._roots]
        while pending:
            path, self_s, total_s = pending.pop()
            yield path, self_s
            part = total_s / (self._total[path[-1]] or 1.0)
            for callee, callee_self, callee_total in self._callees.get(path[-1], ()):
                if callee in path or part * callee_total < self._least:
                    yield path, part * callee_self
                else:
                    pending.append(((*path, callee), part * callee_self, part * callee_total))
