"""A thread that sends to a collector what the files already hold.

Every batch is in the spans file before it is offered here, so nobody waits for the network and a
process may be killed at any time: what the collector has not taken is still in the file, and
`rbtrace replay` sends it. The thread goes on trying while the program runs.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rbtrace.recording.export.threads import (
    BackgroundThread,
    Wake,
    forget_stand_in,
    native_threads,
    new_lock,
    wait_until_gone,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rbtrace.recording.export.exporters import GuardedExporter

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
ENDING_S: Final = 0.05
"""How long the end of the process waits for the thread before a request is given up."""
REST_S: Final = 0.2
"""Pause after all has been sent: an exporter is made anew for what comes then."""


class ExportBatch(NamedTuple):
    """What is to be sent, and the bytes of the spans file that hold it (none: `start == end`)."""

    batch: Sequence[Any]
    start: int
    end: int


class Delivered(NamedTuple):
    """What the collector has taken so far: spans, and the ranges of the file that held them."""

    spans: int
    ranges: list[tuple[int, int]]


class Sender:
    """Sends batches to one exporter, one at a time, in a thread of its own.

    Between two requests there is no connection: sockets that stay open are closed by programs that
    close what they do not know, and their numbers are then those of the program's own files.
    """

    def __init__(self, exporter: GuardedExporter[Any]) -> None:
        self._exporter = exporter
        self._thread = BackgroundThread(self._run)
        self._waiting: deque[ExportBatch] = deque()
        self._spans_waiting = 0
        self._changing = new_lock()
        self._awake = Wake()
        self._idle = Wake()
        self._is_loaded = False
        self._is_paused = False
        self._has_left = False
        self._hurries = False
        self._ends = False
        self._others: frozenset[int] = frozenset()
        self._asked_at: float | None = None
        self._is_prompt = True
        self._delivered = 0
        self._ranges: list[tuple[int, int]] = []

    def start(self) -> None:
        """Start the thread. A Python that is shutting down starts none: call it before."""
        if not self._is_loaded:
            self._is_loaded = True
            self._ends = not self._exporter.load()
            self._exporter.close()
        if not self._ends:
            self._thread.start()

    def offer(self, export_batch: ExportBatch) -> None:
        """Take a batch to be sent, unless too much waits already, or the thread is to end."""
        with self._changing:
            too_many = self._spans_waiting + len(export_batch.batch) > MOST_WAITING
            if too_many or self._ends:
                return
            self._waiting.append(export_batch)
            self._spans_waiting += len(export_batch.batch)
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
        if self._thread.is_running and not self._ends and not self._send_all(wait_s):
            self._exporter.say_undelivered("no answer in time")
        self._ends = True
        self._awake.set()
        if not self._thread.join(ENDING_S) and self._exporter.interrupt():
            self._thread.join(SLOW_S)

    def deliver(self, wait_s: float) -> None:
        """Send what waits, for so long at most, and go on."""
        if self._thread.is_running:
            self._send_all(wait_s)
            self._hurries = False

    def _send_all(self, most_s: float) -> bool:
        self._hurries = True
        self._awake.set()
        until = monotonic() + self._worth_waiting_s(most_s)
        while self._waiting and not self._ends:
            if not self._idle.wait(until - monotonic()):
                break
        return self._ends or not self._waiting

    def _worth_waiting_s(self, most_s: float) -> float:
        if not self._is_prompt:
            return 0.0
        asked_at = self._asked_at
        if asked_at is None:
            return most_s
        return max(0.0, asked_at + min(most_s, SLOW_S) - monotonic())

    def pause(self) -> None:
        """Before a fork: end the thread, or have a request that takes too long given up."""
        if not self._thread.is_running:
            return
        self._has_left, self._is_paused = False, True
        self._awake.set()
        if not self._thread.join(BEFORE_FORK_S) and self._exporter.interrupt():
            self._thread.join(INTERRUPTED_S)
        if self._exporter.is_unsafe_to_fork:
            wait_until_gone(native_threads() - self._others)

    @property
    def is_running(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_running

    def can_begin_again(self) -> bool:
        """In a forked child: whether it can send for itself; if not, say so."""
        if not self._thread.is_running or not self._exporter.is_unsafe_to_fork:
            return True
        self._exporter.say_undelivered("forked during a request")
        return False

    def resume(self) -> None:
        """After a fork, in the parent."""
        with self._changing:
            was_paused, self._is_paused = self._is_paused, False
            has_left = self._has_left
        if was_paused and has_left and self._thread.join(INTERRUPTED_S):
            self._thread.start()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._leaves():
            export_batch = self._next()
            if export_batch is None:
                continue
            if self._ask(export_batch):
                self._note(export_batch)
                pause_s = 0.0
            elif self._hurries:
                self._idle.set()
                self._rest(FIRST_PAUSE_S)
            else:
                self._put_behind(export_batch)
                self._exporter.close()
                pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, pause_s * 2))
                self._rest(pause_s)
        self._exporter.close()
        self._idle.set()

    def _leaves(self) -> bool:
        with self._changing:
            self._has_left = self._is_paused
            return self._is_paused or self._ends

    def _next(self) -> ExportBatch | None:
        """The batch to send now; None after waiting for one."""
        if not self._waiting:
            self._exporter.close()
            self._idle.set()
            if not self._hurries:
                self._rest(REST_S)
            if not self._waiting and not self._ends and not self._is_paused:
                self._awake.wait(LONGEST_PAUSE_S)
        return self._waiting[0] if self._waiting and not self._is_paused else None

    def _rest(self, pause_s: float) -> None:
        """Wait, but not when the thread is to end, to leave, or to send what there is."""
        until = monotonic() + pause_s
        while not (self._ends or self._is_paused or self._hurries) and monotonic() < until:
            self._awake.wait(until - monotonic())

    def _ask(self, export_batch: ExportBatch) -> bool:
        """Send one batch; remember how long the answer takes."""
        if not self._exporter.is_connected and self._exporter.is_unsafe_to_fork:
            self._others = native_threads()
        asked_at = self._asked_at = monotonic()
        is_connected = self._exporter.is_connected
        taken = self._exporter.export(export_batch.batch)
        self._asked_at = None
        forget_stand_in()
        self._is_prompt = taken and (not is_connected or monotonic() - asked_at < SLOW_S)
        return taken

    def _put_behind(self, export_batch: ExportBatch) -> None:
        """Try the others first: it may be this batch that the exporter cannot encode."""
        with self._changing:
            self._waiting.popleft()
            self._waiting.append(export_batch)

    def _note(self, export_batch: ExportBatch) -> None:
        with self._changing:
            self._waiting.popleft()
            self._spans_waiting -= len(export_batch.batch)
            self._delivered += len(export_batch.batch)
            if export_batch.start == export_batch.end:
                return
            if self._ranges and self._ranges[-1][1] == export_batch.start:
                self._ranges[-1] = (self._ranges[-1][0], export_batch.end)
            else:
                self._ranges.append((export_batch.start, export_batch.end))
