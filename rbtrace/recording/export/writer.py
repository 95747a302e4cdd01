"""Ended spans, from memory to the file of this process and, if there is one, to a collector.

`put` is all that a traced thread pays; encoding and writing happen in `flush`, which the flush
thread, the end of a worker's task and the exit of the process call. Whatever the exporter, a
flush is an append to a file: a collector is served from there by a thread of its own, and what it
has taken leaves the file.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from rbtrace.errors import let_through, warn_once
from rbtrace.files.sidecars import Sent
from rbtrace.recording.export.encoder import encode_line
from rbtrace.recording.export.files import Counts, ProcessIdentity, tally
from rbtrace.recording.export.sender import ExportBatch
from rbtrace.recording.export.threads import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rbtrace.recording.export.files import TraceFiles
    from rbtrace.recording.export.records import Record
    from rbtrace.recording.export.sender import Sender

BATCH = 512
"""Spans per line of a file, and per request to a collector."""
FULL = 65_536
"""Spans in memory at which the thread that ends one writes them out itself: backpressure."""
AGAIN_AFTER_S = 1.0
"""Pause after a write that failed, so that a full disk does not slow the program down."""
DELIVERY_S = 1.0
"""How long the end of the process waits for a collector."""
BUSY_S = 1.0
"""How long a thread waits for a flush that is under way in another one, or is interrupted here."""


class SpanFileWriter:
    """The spans one process has ended and not yet delivered, and the files it writes.

    Attributes:
        may_end_unnoticed: whether the process is a worker, which is ended between two tasks without
            a notice: then nothing is amiss, so there is a file of open spans during tasks only.
    """

    def __init__(self, files: TraceFiles, process: ProcessIdentity, sender: Sender | None) -> None:
        self.counts = Counts()
        self.sender = sender
        self.may_end_unnoticed = False
        self._files = files
        self._process = process
        self._pending: deque[Record] = deque()
        self._lock = new_lock()
        self._small_files: dict[Callable[[bytes], None], bytes] = {}
        self._write_again_at = 0.0
        self._written = 0

    def put(self, record: Record) -> None:
        """Take over an ended span. Never waits, unless memory is full."""
        self.counts.note_ended()
        self._pending.append(record)
        if len(self._pending) >= FULL:
            self.flush()

    def flush(self, still_open: Callable[[], Iterable[Record]] | None = None) -> None:
        """Write everything put so far; then replace the tally and the file of open spans.

        Never raises. On a disk that fails, or does not answer, spans stay in memory for the next
        flush, up to a bound beyond which the oldest are dropped and counted.
        """
        with self._alone() as is_alone:
            if is_alone:
                self._flush(still_open)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """A block in which nobody else flushes, if that can be had before long."""
        is_alone = self._lock.acquire(timeout=BUSY_S)
        try:
            yield is_alone
        finally:
            if is_alone:
                self._lock.release()

    def _flush(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        if monotonic() >= self._write_again_at:
            self._announce()
            self._write_pending()
        self._drop_beyond(FULL - 1)
        self._renew_small_files(still_open)

    def _renew_small_files(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        try:
            self._replace_small_files(still_open)
        except OSError as problem:
            self._complain(problem)

    def _announce(self) -> None:
        """Before the first span: say that this process writes, should it be killed meanwhile."""
        if self._small_files or not self._pending:
            return
        try:
            self._replace_small_files(list)
        except OSError as problem:
            self._complain(problem)

    def _write_pending(self) -> None:
        while self._pending:
            batch: list[Record] = []
            try:
                batch.extend(self._pending.popleft() for _ in range(min(BATCH, len(self._pending))))
                line, batch = self._encode(batch)
                start, end = self._files.append(line) if batch else (0, 0)
            except OSError as problem:
                self._pending.extendleft(reversed(batch))
                self._write_again_at = monotonic() + AGAIN_AFTER_S
                self._complain(problem)
                return
            except (RecursionError, MemoryError):  # the program is at its limit: another time
                self._pending.extendleft(reversed(batch))
                return
            except BaseException:  # the program was interrupted: nothing is lost for that
                self._pending.extendleft(reversed(batch))
                raise
            self._written += len(batch)
            self.counts.exported += len(batch)
            if self.sender is not None and batch:
                if start == 0:
                    self.sender.file_was_emptied()
                self.sender.offer(ExportBatch(batch, start, end))

    def _encode(self, batch: list[Record]) -> tuple[bytes, list[Record]]:
        """A line of the batch; spans that cannot be encoded are dropped and counted."""
        try:
            return encode_line(batch), batch
        except (RecursionError, MemoryError):
            raise
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            let_through(problem)
            if len(batch) > 1:
                batch = [kept for record in batch for kept in self._encode([record])[1]]
                return (encode_line(batch) if batch else b""), batch
            self.counts.dropped += 1
            warn_once("encode", f"a span cannot be written: {problem!r}; dropped and counted")
            return b"", []

    def _drop_beyond(self, most: int) -> None:
        while len(self._pending) > most:
            self._pending.popleft()
            self.counts.dropped += 1

    def _replace_small_files(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        if not self.counts.ended and still_open is None:
            return
        files = self._files
        files.create()
        self._note_deliveries()
        counts = tally(self._process, self.counts, files.spans_path, files.bytes_written)
        self._replace(files.replace_tally, msgspec.json.encode(counts))
        if still_open is not None:
            self._replace_open(list(still_open()))

    def _replace_open(self, records: list[Record]) -> None:
        if records or not self.may_end_unnoticed:
            self._replace(self._files.replace_open, encode_line(records) if records else b"")
        elif self._small_files.pop(self._files.replace_open, None) is not None:
            self._files.remove_open()

    def _note_deliveries(self) -> None:
        """Take out of the file, or mark in it, what the collector has taken."""
        if self.sender is None:
            return
        delivered = self.sender.delivered()
        self.counts.delivered = delivered.spans
        self.counts.spilled = self._written - delivered.spans
        ranges = delivered.ranges
        if not self.counts.spilled:
            self._files.empty()
            self.sender.file_was_emptied()
            ranges = []
        self._replace(
            self._files.replace_sent, msgspec.json.encode(Sent(ranges=ranges)) if ranges else b""
        )

    def _replace(self, replace: Callable[[bytes], None], content: bytes) -> None:
        if self._small_files.get(replace) != content:
            replace(content)
            self._small_files[replace] = content

    def _complain(self, problem: OSError) -> None:
        warn_once(
            "files",
            f"cannot write traces to {self._files.folder}: {problem.strerror or problem}; "
            "spans are kept in memory while there is room, then dropped and counted; "
            "set RBTRACE_DIR to a folder that can be written",
        )

    def close(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        """Write everything, wait a little for the collector, and say what stays.

        Args:
            still_open: spans that are open at the end of the process; None if there are none.
        """
        self._write_again_at = 0.0
        self.flush(still_open)
        if self.sender is not None:
            self.sender.finish(DELIVERY_S)
        with self._alone() as is_alone:
            if is_alone:
                self._drop_beyond(0)
                self._leave(still_open)

    def flush_late(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        """Write what ends after `close`, at the exit of the process."""
        with self._alone() as is_alone:
            if is_alone:
                self._flush(still_open)
                self._leave(still_open)

    def leave_files(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        """Write everything: another program is about to take this one's place (`exec`).

        The process goes on to exist, so the files say that it writes them no longer. Should the
        program not be there, the next flush takes that back.
        """
        self._write_again_at = 0.0
        writes_no_longer = dataclasses.replace(self._process, started=None)
        with self._alone() as is_alone:
            if is_alone:
                self._flush(still_open)
                if self.sender is not None:
                    self.sender.deliver(DELIVERY_S)
                self._process, process = writes_no_longer, self._process
                self._leave(still_open)
                self._process = process

    def _leave(self, still_open: Callable[[], Iterable[Record]] | None) -> None:
        self._renew_small_files(still_open)
        if still_open is None:
            self._files.remove_open()
            self._small_files.pop(self._files.replace_open, None)
