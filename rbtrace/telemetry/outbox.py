"""Ended spans, from memory to where they go: a collector, or the files of this process.

`put` is all that a traced thread pays; encoding and writing happen in `flush`, which the flush
thread, the end of a worker's task and the exit of the process call. What a collector does not
take goes to the files instead.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from rbtrace.errors import warn_once
from rbtrace.telemetry.counts import Counts, ProcessIdentity, encode_tally
from rbtrace.telemetry.encoder import encode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rbtrace.telemetry.destination import Destination
    from rbtrace.telemetry.files import TraceFiles
    from rbtrace.telemetry.records import Record

BATCH = 512
"""Spans per line of a file, and per request to a collector."""
FULL = 65_536
"""Spans in memory at which the thread that ends one writes them out itself: backpressure."""


class Outbox:
    """The spans one process has ended and not yet delivered, and the files it writes."""

    def __init__(
        self,
        files: TraceFiles,
        process: ProcessIdentity,
        destination: Destination | None,
    ) -> None:
        self.counts = Counts()
        self._files = files
        self._process = process
        self._destination = destination
        self._pending: deque[Record] = deque()
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._tally = b""

    def make_ready(self) -> None:
        """Make ready to deliver; call it while the program runs."""
        if self._destination is not None:
            self._destination.start()

    def put(self, record: Record) -> None:
        """Take over an ended span. Never waits, unless memory is full."""
        with self._counting:
            self.counts.ended += 1
        self._pending.append(record)
        if len(self._pending) >= FULL:
            self.flush()

    def flush(self, still_open: Callable[[], Iterable[Record]] | None = None) -> None:
        """Deliver everything put so far; then replace the tally and the file of open spans.

        Never raises: a destination or disk that fails is reported once and counted.
        """
        with self._lock:
            while self._pending:
                count = min(BATCH, len(self._pending))
                self._deliver([self._pending.popleft() for _ in range(count)])
            try:
                self._replace_small_files(still_open)
            except OSError as problem:
                self._complain(problem)

    def _deliver(self, batch: list[Record]) -> None:
        if self._destination is not None:
            if self._destination.send(batch):
                self.counts.exported += len(batch)
                return
            self.counts.spilled += len(batch)
        try:
            self._files.append(encode_line(batch))
        except OSError as problem:
            self.counts.dropped += len(batch)
            self._complain(problem)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self.counts.dropped += len(batch)
            warn_once("encode", f"{len(batch)} spans cannot be written: {problem!r}; dropped")
        else:
            self.counts.exported += len(batch)

    def _replace_small_files(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        if not self.counts.ended and still_open is None:
            return
        self._files.create()
        tally = encode_tally(
            self._process, self.counts, self._files.spans_path, self._files.bytes_written
        )
        if tally != self._tally:
            self._files.replace_tally(tally)
            self._tally = tally
        if still_open is not None:
            records = list(still_open())
            self._files.replace_open(encode_line(records) if records else b"")

    def _complain(self, problem: OSError) -> None:
        warn_once(
            "files",
            f"cannot write traces to {self._files.folder}: {problem.strerror or problem}; "
            "spans are dropped and counted; set RBTRACE_DIR to a folder that can be written",
        )

    def close(self) -> None:
        """Close the files after the last flush; the file of open spans goes if none is left."""
        with self._lock:
            self._files.remove_open()
            if self._destination is not None:
                self._destination.close()

    def abandon(self) -> None:
        """Let go of the parent's file in a forked child, which delivers nothing of its parent."""
        self._files.close()
