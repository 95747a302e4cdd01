"""`ProfileContext`: cProfile around a block, with a span of the same name."""

from __future__ import annotations

import cProfile
import pstats
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rbtrace.errors import RbtraceError, warn_once
from rbtrace.recording.decorator import span


def ProfileContext(name: str, enabled: bool = True) -> BlockProfile:  # noqa: FBT001, FBT002, N802
    """Profile a block of code with cProfile.

        with ProfileContext("GridSearch") as profile:
            optimizer.optimize()
        profile.get_stats().sort_stats("cumulative").print_stats(20)

    While tracing is on the block is a span of that name, too. Where another profiler is active the
    block runs all the same, once warned of, and there are no statistics. A context may be entered
    again: its statistics add up. Disabled, it is a shared object that does nothing.

    cProfile takes time at every call, so it overstates code with many small ones: for shares, use a
    sampler.

    Args:
        name: name of the span, and in messages.
        enabled: whether to profile at all.
    """
    # A function, because making an object of a class takes as long as all the rest when disabled.
    return BlockProfile(name) if enabled else NO_PROFILE


class BlockProfile:
    """What `ProfileContext` gives."""

    __slots__ = ("_active", "_profile", "_used", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._profile = cProfile.Profile()
        self._active: list[ExitStack] = []
        self._used = False

    def __enter__(self) -> Self:
        stack = ExitStack()
        stack.enter_context(span(self.name))
        self._active.append(stack)
        try:
            self._profile.enable()
        except ValueError:
            warn_once(
                f"profile:{self.name}",
                f"{self.name} is not profiled: another profiler is active",
            )
        else:
            self._used = True
            stack.callback(self._profile.disable)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._active.pop().__exit__(kind, error, traceback)

    def get_stats(self) -> pstats.Stats | None:
        """The statistics so far; None if nothing was profiled."""
        if not self._used:
            return None
        return pstats.Stats(self._profile)

    def save_stats(self, path: str | Path) -> Path | None:
        """Write the statistics to a file that `pstats` and its relatives read.

        Returns:
            The path; None if nothing was profiled, and then no file is written.

        Raises:
            RbtraceError: the file cannot be written.
        """
        stats = self.get_stats()
        if stats is None:
            return None
        try:
            stats.dump_stats(path)
        except OSError as problem:
            raise RbtraceError(f"cannot write {path}: {problem.strerror or problem}") from None
        return Path(path)


class _NoProfile(BlockProfile):
    """A disabled `ProfileContext`."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get_stats(self) -> None:
        """None: nothing is profiled."""

    def save_stats(self, path: str | Path) -> None:
        """Write nothing."""


NO_PROFILE: Final = _NoProfile("")
"""What a disabled `ProfileContext` is."""
