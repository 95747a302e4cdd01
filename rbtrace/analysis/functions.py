"""The row of a function in stack samples, as `rbtrace.profiling.flamegraph.functions` makes it."""

from __future__ import annotations

from msgspec import Struct


class FunctionTime(Struct, frozen=True):
    """One function in the stack samples that were taken beside the spans.

    Attributes:
        name: qualified name.
        file: where it is, as the program saw it; empty if it is not a function's.
        line: where it begins, 0 if that is not known.
        samples: how many found it on top of the stack.
        self_ns: what these samples stand for.
        total_ns: what the samples stand for that found it anywhere in the stack.
        share: self time ÷ that of all functions.
    """

    name: str
    file: str
    line: int
    samples: int
    self_ns: int
    total_ns: int
    share: float | None
