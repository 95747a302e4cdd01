"""SIGTERM: deliver first, then do what the program would have done without us.

Three things can go wrong, and each did. The interrupted code may hold any lock: so the handler
takes none, and lets the flush thread work. A flush or an exit under way must not be cut off: so the
signal waits for its end. And a signal that arrives just before the main thread goes to sleep in a
lock is not noticed there, since Python's handlers run between two bytecodes: a process that would
have died lives on. So the flush thread hears of the signal too, and wakes the main thread.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rbtrace.telemetry.pipeline import Pipeline

_NO_FD: Final = -1
_PATIENCE_S: Final = 0.05
"""How long the main thread may take to notice a signal before it is woken."""
_ATTEMPTS: Final = 100
_WAKING: Final = getattr(signal, "SIGURG", None)
"""The signal that wakes the main thread. By default it does nothing, and nobody else uses it."""


class Termination:
    """Our handler of SIGTERM in front of the program's, while a pipeline is followed."""

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None
        self._previous: Any = None
        self._fd = _NO_FD
        self._sections = 0
        self._postponed: tuple[int, Any] | None = None
        self._noticed = False
        self._attempts = 0

    def watch(self, pipeline: Pipeline | None) -> None:
        """Serve this pipeline; None takes our handler away again.

        A process that ignores SIGTERM goes on ignoring it. A handler that the program installs
        later replaces ours: then the file of open spans bounds what is lost.
        """
        self._pipeline = pipeline
        if threading.current_thread() is not threading.main_thread():
            return
        present = signal.getsignal(signal.SIGTERM)
        if pipeline is None:
            if present == self._terminated:
                signal.signal(signal.SIGTERM, self._previous)
            if _WAKING is not None and signal.getsignal(_WAKING) is _do_nothing:
                signal.signal(_WAKING, signal.SIG_DFL)
            self._listen(_NO_FD)
        elif present not in (signal.SIG_IGN, None):
            if present != self._terminated:
                self._previous = present
                signal.signal(signal.SIGTERM, self._terminated)
            if _WAKING is not None and signal.getsignal(_WAKING) is signal.SIG_DFL:
                signal.signal(_WAKING, _do_nothing)
            self._listen(pipeline.flusher.wakeup_fd)

    def _listen(self, fd: int) -> None:
        """Have signals told to the flush thread, unless somebody else is told of them already."""
        with suppress(ValueError, OSError):
            before = signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
            if before not in (_NO_FD, self._fd):
                signal.set_wakeup_fd(before)
                return
            self._fd = fd

    def begin_again_in_child(self, pipeline: Pipeline) -> None:
        """In a forked child: another thread's sections are not here, nor is its flush thread."""
        self._sections, self._postponed = 0, None
        self._noticed = False
        self.watch(pipeline)

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
                self._act(number, frame)

    def arrived(self, number: int) -> float | None:
        """In the flush thread: a signal has arrived; wake the main thread if it sleeps through it.

        Returns:
            Seconds after which to look again; None when all is well.
        """
        if number != signal.SIGTERM or signal.getsignal(number) != self._terminated:
            return None
        if self._noticed or self._attempts == _ATTEMPTS:
            self._noticed, self._attempts = False, 0
            return None
        main = threading.main_thread().ident
        if self._attempts and main is not None and _WAKING is not None:
            signal.pthread_kill(main, _WAKING)
        self._attempts += 1
        return _PATIENCE_S

    def _terminated(self, number: int, frame: Any) -> None:
        self._noticed = True
        if self._sections:
            self._postponed = (number, frame)
        else:
            self._act(number, frame)

    def _act(self, number: int, frame: Any) -> None:
        """Deliver, then go on as before.

        With the default action the process is gone the next moment, so it ends as at an exit; with
        a handler of the program's it does what that does.
        """
        handler = self._previous
        if self._pipeline is not None:
            self._pipeline.deliver_from_signal_handler(is_the_end=not callable(handler))
        if callable(handler):
            handler(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _do_nothing(_number: int, _frame: Any) -> None:
    """Have the main thread come back from the kernel, and look for signals."""


TERMINATION: Final = Termination()
