"""The wrapper of a hot call: about a microsecond, no span, nothing allocated that stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rbtrace.conventions import USER_SCOPE_NAME
from rbtrace.recording import current
from rbtrace.recording.export import clock
from rbtrace.recording.hot.calltree import Node
from rbtrace.recording.hot.compiled import COMPILED
from rbtrace.recording.hot.cursor import CURSORS, Cursor
from rbtrace.recording.hot.trees import Trees
from rbtrace.recording.lookalike import hide_frames, standing_for
from rbtrace.recording.operation import Operation
from rbtrace.recording.recursion import (
    IS_GIVEN_BACK,
    give,
    has_stack,
    say_shared,
    take,
    with_headroom,
)

if COMPILED is not None and current.VARIABLE is not None:
    COMPILED.prepare(Cursor, Node, current.VARIABLE, time.perf_counter_ns)


def aggregated(
    function: Callable[..., Any], operation: Operation, trees: Callable[[], Trees | None]
) -> Callable[..., Any]:
    """Wrap a function so that its calls are aggregated beneath the span that encloses them.

    `call` says what happens. Where it is compiled, ordinary calls of functions of the engine do it
    without the interpreter; the user's own functions keep their depth of recursion.

    The frames cursors give back the depth of recursion they take: see `recursion`.

    Some pools pickle functions by value (Ray, joblib), with all they refer to: so `call` gets at
    what cannot be pickled through modules and named objects, which are pickled by name.
    """
    monotonic_ns, name, any_error = clock.monotonic_ns, operation.name, BaseException
    cursors, contexts, missing = CURSORS, current, KeyError
    beyond, given, taken, failed = with_headroom, give, take, _failed
    from_elsewhere, again, hide, file = _from_elsewhere, _again, hide_frames, __file__
    target = _attaching(function) if operation.attaches else function

    def call(*args: Any, **kwargs: Any) -> Any:
        depth = given()
        try:
            cursor = cursors.current
            caller = cursor.node
            if caller is None or contexts.get_current() is not cursor.context or not caller.started:
                return from_elsewhere(trees, cursor, call, args, kwargs)
            try:
                node = caller.children[name]
            except missing:
                node = beyond(caller.child, operation)
            if node.started or node.parent is not caller:
                return again(target, cursor, node, args, kwargs)
            cursor.node = node
            node.started = monotonic_ns()
            try:
                return target(*args, **kwargs)
            except any_error as error:
                failed(node, error)
                raise
            finally:
                ended = monotonic_ns()
                cursor.node = caller
                node.end(ended)
        except any_error as error:
            hide(error, file)
            raise
        finally:
            taken(depth)

    call = standing_for(call, function)
    if COMPILED is not None and operation.scope != USER_SCOPE_NAME:
        COMPILED.quicken(call, None if target is function else target)
    return call


def _failed(node: Node, error: BaseException) -> None:
    node.errors += 1
    if not IS_GIVEN_BACK:
        assert node.operation is not None
        say_shared(error, node.operation.name)


def _again(
    target: Callable[..., Any],
    cursor: Cursor,
    node: Node,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A call that is part of a recursion, or came from elsewhere than the node's parent."""
    caller = cursor.node
    assert caller is not None
    recursive = node.started
    depth = give()
    cursor.node = node
    start = clock.monotonic_ns()
    if not recursive:
        node.started = start
    try:
        return target(*args, **kwargs)
    except BaseException as error:
        _failed(node, error)
        raise
    finally:
        end = clock.monotonic_ns()
        take(depth)
        cursor.node = caller
        node.rejoin(caller, end - start, 0 if recursive else end)
        node.note(end - start, start)


def _from_elsewhere(
    trees: Callable[[], Trees | None],
    cursor: Cursor,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A hot call under another context than the cursor is valid for: find the cursor, then call.

    A hot call in progress around it (there is a span in between) gets its cursor back afterwards.
    """
    depth = give()
    try:
        open_trees = with_headroom(trees) if has_stack() else None
        if open_trees is None:
            return call.__wrapped__(*args, **kwargs)  # type: ignore[attr-defined]
        cursor = CURSORS.running()
        around = (cursor.node, cursor.context) if cursor.in_progress() else None
        token = current.attach(current.copy()) if CURSORS.has_greenlets else None
        try:
            if not with_headroom(open_trees.settle, cursor):
                return call.__wrapped__(*args, **kwargs)  # type: ignore[attr-defined]
            return call(*args, **kwargs)
        finally:
            if token is not None:
                current.restore(token)
            if around is not None:
                cursor.node, cursor.context = around
    finally:
        take(depth)


def _attaching(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the summary the current span meanwhile, for spans the program starts by itself."""

    def run(*args: Any, **kwargs: Any) -> Any:
        cursor = CURSORS.current
        node, outer = cursor.node, cursor.context
        assert node is not None
        assert outer is not None
        context = node.context if node.base is outer else None
        if context is None:
            context = with_headroom(node.context_in, outer)
        cursor.context = context
        token = current.attach(context)
        depth = give()
        try:
            return function(*args, **kwargs)
        finally:
            take(depth)
            current.restore(token)
            cursor.context = outer

    return run
