"""A thread that runs errands, so that whoever sends it on one waits only so long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class ErrandThread:
    """One daemon thread, one errand at a time.

    It has to be started while the program runs: a Python that is shutting down starts no threads,
    though those there are go on while exit hooks run.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._errands: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]]
        self._errands = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._late: threading.Event | None = None

    def start(self) -> None:
        """Start the thread if it does not run."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None  # the interpreter is shutting down

    def run(self, errand: Callable[[], None], wait_s: float) -> bool:
        """Run an errand; say whether it was done in time.

        False at once while an earlier one is still under way, or if there is no thread.
        """
        if self._thread is None or (self._late is not None and not self._late.is_set()):
            return False
        done = threading.Event()
        self._errands.put((errand, done))
        self._late = None if done.wait(wait_s) else done
        return self._late is None

    def wait(self, wait_s: float) -> None:
        """Wait for the errand under way, if there is one."""
        if self._late is not None:
            self._late.wait(wait_s)

    def _run(self) -> None:
        while True:
            errand, done = self._errands.get()
            try:
                errand()
            finally:
                done.set()
