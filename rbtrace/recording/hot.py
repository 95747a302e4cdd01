"""The wrapper of a hot call: a few hundred nanoseconds, no span, nothing allocated that stays."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from threading import get_ident
from typing import Any

from rbtrace.errors import RbtraceError
from rbtrace.recording import current
from rbtrace.recording.calltree import FOLD_AT, Node
from rbtrace.recording.operation import Operation
from rbtrace.recording.trees import Trees
from rbtrace.telemetry import clock


class HotCallError(RbtraceError, TypeError):
    """Only plain synchronous functions can be aggregated."""


def require_plain(function: Callable[..., Any]) -> None:
    """Refuse coroutine and generator functions: their calls interleave, a tree could not hold them.

    Raises:
        HotCallError: the function is one of those.
    """
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        name = getattr(function, "__qualname__", repr(function))
        raise HotCallError(
            f"{name} is a coroutine or generator function; "
            "hot=True aggregates plain synchronous functions only"
        )


def aggregated(
    function: Callable[..., Any], operation: Operation, trees: Callable[[], Trees | None]
) -> Callable[..., Any]:
    """Wrap a function so that its calls are aggregated beneath the span that encloses them."""
    require_plain(function)
    get_context, attach, restore = current.get_current, current.attach, current.restore
    monotonic_ns = clock.monotonic_ns
    name = operation.name

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        caller = get_context()
        if caller.__class__ is not Node or not caller.started or caller.thread != get_ident():
            entered = _enter(trees, caller)
            if entered is None:
                return function(*args, **kwargs)
            caller = entered
        node = caller.children.get(name) or caller.child(operation)
        token = attach(node)
        recursive = node.started
        start = monotonic_ns()
        if not recursive:
            node.started = start
        try:
            return function(*args, **kwargs)
        except BaseException:
            node.errors += 1
            raise
        finally:
            end = monotonic_ns()
            restore(token)
            duration = end - start
            node.pending.append(duration)
            if recursive or node.parent is not caller:
                node.rejoin(caller, duration, 0 if recursive else end)
            else:
                node.started = 0
                node.ended = end
            if duration > node.floor:
                node.keep(duration, start)
            if len(node.pending) >= FOLD_AT:
                node.fold_later()
            if caller.operation is None and caller.tree.due:
                caller.tree.fold_due()

    return call


def _enter(trees: Callable[[], Trees | None], context: Any) -> Node | None:
    found = trees()
    return None if found is None else found.enter(context)
