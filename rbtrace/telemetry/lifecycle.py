"""The moments at which a process must deliver or start over: fork, worker end, signal, exit.

Hooks of the interpreter cannot be taken back, so they are registered once per process and serve
whichever pipeline is followed at the time.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rbtrace.telemetry.pipeline import Pipeline


class _Follower:
    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self._registered = False
        self._was_running = False
        self._previous_handler: Any = None
        self._sections = 0
        self._postponed: tuple[int, Any] | None = None

    def follow(self, pipeline: Pipeline | None) -> None:
        self.pipeline = pipeline
        self._watch_termination(wanted=pipeline is not None)
        if self._registered:
            return
        self._registered = True
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_in_parent,
                after_in_child=self._after_in_child,
            )

    def _at_exit(self) -> None:
        if self.pipeline is not None:
            self.pipeline.shutdown()

    def _before_fork(self) -> None:
        """Stop our threads: the child can then never inherit a lock that one of them holds."""
        self._was_running = self.pipeline is not None and self.pipeline.before_fork()

    def _after_in_parent(self) -> None:
        if self.pipeline is not None:
            self.pipeline.after_fork(was_running=self._was_running)

    def _after_in_child(self) -> None:
        self._sections, self._postponed = 0, None  # another thread's, which is not here
        if self.pipeline is not None:
            self.pipeline.begin_again_in_child()

    def _watch_termination(self, *, wanted: bool) -> None:
        """Put our handler of SIGTERM before the program's, or take it away again.

        A process that ignores SIGTERM goes on ignoring it. A handler the program installs later
        replaces ours: then the file of open spans bounds what is lost.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        present = signal.getsignal(signal.SIGTERM)
        if wanted and present not in (signal.SIG_IGN, None, self._terminated):
            self._previous_handler = present
            signal.signal(signal.SIGTERM, self._terminated)
        elif not wanted and present == self._terminated:
            signal.signal(signal.SIGTERM, self._previous_handler)

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """A block of the main thread that SIGTERM does not interrupt, but follows."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._sections += 1
        try:
            yield
        finally:
            self._sections -= 1
            if self._postponed and not self._sections:
                number, frame = self._postponed
                self._postponed = None
                self._terminated(number, frame)

    def _terminated(self, number: int, frame: Any) -> None:
        """Deliver without taking a lock, which the interrupted code may hold; then go on as before.

        With the default action the process is gone the next moment, so it ends as at an exit; with
        a handler of the program's it does what that does.
        """
        if self._sections:
            self._postponed = (number, frame)
            return
        handler = self._previous_handler
        if self.pipeline is not None:
            self.pipeline.deliver_from_signal_handler(is_the_end=not callable(handler))
        if callable(handler):
            handler(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_follower = _Follower()


def follow(pipeline: Pipeline | None) -> None:
    """Follow this pipeline through forks and to the exit of the process; None follows none."""
    _follower.follow(pipeline)


uninterrupted = _follower.uninterrupted
"""A block of the main thread that SIGTERM does not interrupt, but follows."""


def finish_with_worker(finish: Callable[[], None]) -> None:
    """Call `finish` when a multiprocessing worker ends; workers leave without `atexit`."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, finish, exitpriority=0)
