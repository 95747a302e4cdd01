"""The moments at which a process must deliver or start over: fork, worker end, exit.

Hooks of the interpreter cannot be taken back, so they are registered once per process and serve
whichever pipeline is followed at the time.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING, Final

from rbtrace.telemetry.termination import TERMINATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from rbtrace.telemetry.pipeline import Pipeline


class _Follower:
    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self._registered = False
        self._was_running = False

    def follow(self, pipeline: Pipeline | None) -> None:
        self.pipeline = pipeline
        TERMINATION.watch(pipeline)
        if self._registered:
            return
        self._registered = True
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            # These take a lock before a fork, and our threads may need it to come to rest. What
            # was registered last is called first: let that be ours.
            import concurrent.futures.thread  # noqa: F401, PLC0415
            import logging  # noqa: F401, PLC0415

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
        if self.pipeline is not None:
            self.pipeline.begin_again_in_child()
            TERMINATION.begin_again_in_child(self.pipeline)


_follower = _Follower()

MULTIPROCESSING: Final = ("multiprocessing", "multiprocess")
"""The library, and its fork that pickles with dill."""


def follow(pipeline: Pipeline | None) -> None:
    """Follow this pipeline through forks and to the exit of the process; None follows none."""
    _follower.follow(pipeline)


def finish_with_worker(finish: Callable[[], None]) -> None:
    """Call `finish` when a multiprocessing worker ends; workers leave without `atexit`."""
    for library in MULTIPROCESSING:
        util = sys.modules.get(f"{library}.util")
        if util is not None:
            util.Finalize(None, finish, exitpriority=0)
