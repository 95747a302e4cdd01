"""A thread that sends to a collector what the files already hold.

Every batch is in the spans file before it is offered here, so nobody waits for the network and a
process may be killed at any time: what the collector has not taken is still in the file, and
`rbtrace replay` sends it. The thread goes on trying while the program runs.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rbtrace.telemetry.destination import Destination

MOST_WAITING: Final = 16_384
"""Spans that may wait in memory to be sent; beyond that they are in the file alone."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
SLOW_S: Final = 0.3
"""A collector whose last answer took longer, or whose next one does, is not waited for at exit."""
BEFORE_FORK_S: Final = 0.2
"""How long a fork waits for a request under way: none of its locks should be inherited held."""
INTERRUPTED_S: Final = 1.0
"""How long it then waits for the request to be given up."""
LOADING_S: Final = 5.0
"""How long a fork waits for the exporter to be imported: the lock of an import is inherited."""


class Parcel(NamedTuple):
    """What is to be sent, and the bytes of the spans file that hold it (none: `start == end`)."""

    batch: Sequence[Any]
    start: int
    end: int


class Delivered(NamedTuple):
    """What the collector has taken so far: spans, and the ranges of the file that held them."""

    spans: int
    ranges: list[tuple[int, int]]


class Sender:
    """Sends parcels to one destination, one at a time, in a daemon thread."""

    def __init__(self, destination: Destination[Any]) -> None:
        self._destination = destination
        self._thread: threading.Thread | None = None
        self._waiting: deque[Parcel] = deque()
        self._spans_waiting = 0
        self._changing = threading.Lock()
        self._awake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._ending = threading.Event()
        self._at_work = threading.Lock()
        self._is_loaded = threading.Event()
        self._is_paused = False
        self._asked_at: float | None = None
        self._is_prompt = True
        self._delivered = 0
        self._ranges: list[tuple[int, int]] = []

    def start(self) -> None:
        """Start the thread. A Python that is shutting down starts none: call it before."""
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name="rbtrace-send", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # the interpreter is shutting down: what is in the file stays there
        self._thread = thread

    def offer(self, parcel: Parcel) -> None:
        """Take a parcel to be sent, unless too much waits already, or the thread is to end."""
        with self._changing:
            too_many = self._spans_waiting + len(parcel.batch) > MOST_WAITING
            if too_many or self._ending.is_set():
                return
            self._waiting.append(parcel)
            self._spans_waiting += len(parcel.batch)
            self._idle.clear()
        self._awake.set()

    def delivered(self) -> Delivered:
        """What has been taken so far."""
        with self._changing:
            return Delivered(self._delivered, list(self._ranges))

    def file_was_emptied(self) -> None:
        """The spans file starts over: forget its ranges."""
        with self._changing:
            self._ranges.clear()

    def finish(self, wait_s: float) -> None:
        """Send what waits, for so long at most, and let the thread end.

        A collector that is away or slow is not waited for: what it has not taken is in the file.
        """
        if self._thread is not None and not self._idle.wait(self._worth_waiting_s(wait_s)):
            self._destination.say_undelivered("no answer in time")
        self._ending.set()
        self._awake.set()

    def _worth_waiting_s(self, most_s: float) -> float:
        if not self._is_prompt:
            return 0.0
        asked_at = self._asked_at
        if asked_at is None:
            return most_s
        return max(0.0, asked_at + min(most_s, SLOW_S) - time.monotonic())

    def pause(self) -> None:
        """Before a fork: wait for a request under way, not for long, or have it given up."""
        if self._thread is None or not self._is_loaded.wait(LOADING_S):
            return
        self._is_paused = self._at_work.acquire(timeout=BEFORE_FORK_S)
        if not self._is_paused and self._destination.interrupt():
            self._is_paused = self._at_work.acquire(timeout=INTERRUPTED_S)

    def can_begin_again(self) -> bool:
        """In a forked child: whether it can send for itself; if not, say so."""
        is_harmless = self._thread is None or self._is_paused
        if is_harmless or not self._destination.is_unsafe_to_fork:
            return True
        self._destination.say_undelivered("forked during a request")
        return False

    def resume(self) -> None:
        """After a fork, in the parent."""
        if self._is_paused:
            self._is_paused = False
            self._at_work.release()

    def _run(self) -> None:
        if not self._destination.load():
            self._ending.set()
            self._idle.set()
        self._is_loaded.set()
        pause_s = 0.0
        while not self._ending.wait(pause_s) and (parcel := self._next()) is not None:
            with self._at_work:
                taken = self._ask(parcel)
            if taken:
                self._note(parcel)
                pause_s = 0.0
            else:
                self._put_behind(parcel)
                pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, pause_s * 2))
        self._destination.close()

    def _ask(self, parcel: Parcel) -> bool:
        """Send one parcel; remember how long the answer takes."""
        asked_at = self._asked_at = time.monotonic()
        taken = self._destination.export(parcel.batch)
        self._asked_at = None
        is_first = not self._delivered  # it includes what is done once, such as connecting
        self._is_prompt = taken and (is_first or time.monotonic() - asked_at < SLOW_S)
        return taken

    def _next(self) -> Parcel | None:
        """The parcel to send now, waited for; None at the end."""
        while not self._ending.is_set():
            self._awake.clear()
            with self._changing:
                if self._waiting:
                    return self._waiting[0]
                self._idle.set()
            self._awake.wait()
        return None

    def _put_behind(self, parcel: Parcel) -> None:
        """Try the others first: it may be this parcel that the exporter cannot encode."""
        with self._changing:
            self._waiting.popleft()
            self._waiting.append(parcel)

    def _note(self, parcel: Parcel) -> None:
        with self._changing:
            self._waiting.popleft()
            self._spans_waiting -= len(parcel.batch)
            self._delivered += len(parcel.batch)
            if parcel.start == parcel.end:
                return
            if self._ranges and self._ranges[-1][1] == parcel.start:
                self._ranges[-1] = (self._ranges[-1][0], parcel.end)
            else:
                self._ranges.append((parcel.start, parcel.end))
