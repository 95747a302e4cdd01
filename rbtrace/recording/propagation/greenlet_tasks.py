"""gevent: a greenlet starts under the span it was spawned in.

Its classes are compiled and cannot be changed. What its greenlets have of their own is a set of
context variables, which is empty unless the program gave them one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import Context
from typing import Any

from rbtrace.errors import warn_once
from rbtrace.recording.recorder import RECORDER


def gevent_class(greenlet: Any) -> Any:
    """Have `gevent.Greenlet` call us back whenever a greenlet is spawned; it stays as it is."""
    greenlet.add_spawn_callback(_carry)
    return greenlet


def made(spawn: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that makes a greenlet, which will run later."""

    @functools.wraps(spawn)
    def call(*args: Any, **kwargs: Any) -> Any:
        greenlet = spawn(*args, **kwargs)
        _carry(greenlet)
        return greenlet

    return call


def _carry(greenlet: Any) -> None:
    """Give a greenlet that has not started the current context, as an object of its own."""
    if not RECORDER.has_recorded():
        return
    try:
        from rbtrace.recording import current  # noqa: PLC0415 - imports OpenTelemetry
        from rbtrace.recording.hot.cursor import CURSORS  # noqa: PLC0415

        CURSORS.expect_greenlets()
        if greenlet.gr_context is None and not greenlet.dead:
            variables = Context()
            variables.run(current.attach, current.copy())
            greenlet.gr_context = variables
    except Exception as problem:  # noqa: BLE001 - never into the program
        warn_once("greenlet", f"greenlets start without their span: {problem!r}")
