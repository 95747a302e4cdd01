"""Functions of the system that fork or end the program, or take away what is ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from rbtrace.recording.export.lifecycle import fork_begins, fork_is_over, guarded
from rbtrace.recording.propagation import programs
from rbtrace.recording.propagation.preparing import like_builtin, prepared
from rbtrace.recording.recorder import RECORDER
from rbtrace.recording.target import PropagationPoint


def _nothing() -> None:
    """Do nothing."""


def _around(
    before: Callable[[], object], after: Callable[[], object] = _nothing
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper that takes a step of ours before and after the original, should that return."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            guarded(before)
            try:
                return original(*args, **kwargs)
            finally:
                guarded(after)

        return like_builtin(call, original)

    return wrap


def _replacing(
    name_parent: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper of a function that replaces the program; the new one inherits the current span."""
    write = _around(RECORDER.before_exec)
    return lambda original: write(name_parent(original))


def _listening(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `signal.set_wakeup_fd(fd)`."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and args[0] != -1:
            guarded(RECORDER.before_listening)
        return original(*args, **kwargs)

    return like_builtin(call, original)


OS_CALLS: Final[tuple[PropagationPoint, ...]] = (
    PropagationPoint("os:fork", _around(fork_begins, fork_is_over)),
    PropagationPoint("os:forkpty", _around(fork_begins, fork_is_over)),
    PropagationPoint("os:_exit", _around(RECORDER.before_exit)),
    PropagationPoint("os:execve", _replacing(prepared(programs.execve))),
    PropagationPoint("os:execv", _replacing(programs.execv)),
    PropagationPoint("os:closerange", _around(RECORDER.before_closing, RECORDER.after_closing)),
    PropagationPoint("signal:set_wakeup_fd", _listening),
    PropagationPoint("signal:signal", _around(_nothing, RECORDER.after_handling)),
)
"""`os.execl`, `os.execvp` and the like call `os.execv` and `os.execve`."""
