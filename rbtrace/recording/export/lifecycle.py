"""The moments at which a process must deliver or start over: fork, worker end, exec, exit.

Hooks of the interpreter cannot be taken back, so they are registered once per process and serve
whichever pipeline is followed at the time. `docs/architecture.md` has the table of who owns which
handler, thread, descriptor and lock when.
"""

from __future__ import annotations

import _thread
import atexit
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

from rbtrace.errors import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class _Followed(Protocol):
        """What a pipeline does at these moments."""

        @property
        def is_sending(self) -> bool: ...
        def shutdown(self) -> None: ...
        def before_fork(self) -> bool: ...
        def after_fork(self, *, was_running: bool) -> None: ...
        def begin_again_in_child(self) -> None: ...


class _Follower:
    def __init__(self) -> None:
        self.pipeline: _Followed | None = None
        self._registered = False
        self._was_running = False
        self._forking_in = 0
        self._has_forked = False
        self._quiet: warnings.catch_warnings[Any] | None = None

    def follow(self, pipeline: _Followed | None) -> None:
        self.pipeline = pipeline
        if self._registered:
            return
        self._registered = True
        atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        if self.pipeline is not None:
            guarded(self.pipeline.shutdown)

    def before_fork(self) -> None:
        """End our threads: the child can then never inherit a lock that one of them holds."""
        self._was_running = False
        if self.pipeline is not None:
            guarded(self._end_threads, self.pipeline)

    def _end_threads(self, pipeline: _Followed) -> None:
        self._was_running = pipeline.before_fork()
        if pipeline.is_sending and threading.active_count() == 1:
            # The fork would warn of the one thread there is, which the program knows nothing of.
            self._quiet = warnings.catch_warnings(action="ignore", category=DeprecationWarning)
            self._quiet.__enter__()

    def after_fork_in_parent(self) -> None:
        """Start our threads again, once `os.fork` has looked for threads to warn of.

        Newer Pythons do so after this: then `fork_is_over` comes.
        """
        if self._forking_in != _thread.get_ident():
            self._go_on()
        else:
            self._has_forked = True

    def _go_on(self) -> None:
        self._has_forked = False
        self._may_warn()
        if self.pipeline is not None:
            guarded(self.pipeline.after_fork, was_running=self._was_running)

    def _may_warn(self) -> None:
        quiet, self._quiet = self._quiet, None
        if quiet is not None:
            quiet.__exit__(None, None, None)

    def fork_begins(self) -> None:
        """A function of ours around `os.fork` was entered."""
        self._forking_in = _thread.get_ident()

    def fork_is_over(self) -> None:
        """It is left, in the parent or in the child."""
        self._forking_in = 0
        if self._has_forked:
            self._go_on()

    def after_fork_in_child(self) -> None:
        self._forking_in, self._has_forked = 0, False
        self._may_warn()
        if self.pipeline is not None:
            guarded(self.pipeline.begin_again_in_child)


def guarded[**P](step: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Take a step of ours at a moment of the program's, into which nothing is raised."""
    try:
        step(*args, **kwargs)
    except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
        warn_once("lifecycle", f"a step of tracing's own failed: {problem!r}")


_follower = _Follower()
before_fork = _follower.before_fork
after_fork_in_parent = _follower.after_fork_in_parent
after_fork_in_child = _follower.after_fork_in_child
fork_begins = _follower.fork_begins
fork_is_over = _follower.fork_is_over

MULTIPROCESSING: Final = ("multiprocessing", "multiprocess")
"""The library, and its fork that pickles with dill."""


def follow(pipeline: _Followed | None) -> None:
    """Follow this pipeline through forks and to the exit of the process; None follows none."""
    _follower.follow(pipeline)


def finish_with_worker(finish: Callable[[], None]) -> None:
    """Call `finish` when a multiprocessing worker ends; workers leave without `atexit`."""
    for library in MULTIPROCESSING:
        util = sys.modules.get(f"{library}.util")
        if util is not None:
            util.Finalize(None, finish, exitpriority=0)
