"""A plain stopwatch for functions of the engine: the check of what rbtrace says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pkgutil import resolve_name
from time import perf_counter_ns
from typing import Any, NamedTuple

import rbtrace


class Clocked(NamedTuple):
    """A function that is timed: where its caller finds it, and what its spans are called.

    `traced` says that rbtrace's table does not have it: the study marks it itself.
    """

    owner: str
    attribute: str
    span: str
    traced: bool = False


class Stopwatch:
    """Sums up, by phase, the time between the calls of functions and their returns, ns."""

    def __init__(self) -> None:
        self._ns: dict[str, int] = defaultdict(int)

    def attach(self, functions: dict[str, Clocked]) -> None:
        """Time functions from now on, outside of what rbtrace does to them."""
        for phase, one in functions.items():
            owner = resolve_name(one.owner)
            function = getattr(owner, one.attribute)
            if one.traced:
                function = rbtrace.traced(name=one.span)(function)
            setattr(owner, one.attribute, self._timed(phase, function))

    def take(self) -> dict[str, int]:
        """The sums since the last call, ns by phase."""
        taken = dict(self._ns)
        self._ns.clear()
        return taken

    def _timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            started = perf_counter_ns()
            try:
                return function(*arguments, **options)
            finally:
                self._ns[phase] += perf_counter_ns() - started

        return timed
