"""Trace files: one append-only span file per process, small files replaced as a whole, and counts.

A folder of a run is 0700, its files 0600: spans can hold what a strategy does. A span file is
made `O_EXCL`, since containers share pids and host names, and written unbuffered in whole lines.

What the process has recorded is counted apart from the spans: the same counts stand on local-root
spans and in the `.tally` file, so that a lost span file still shows.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

from rbtrace.conventions import (
    OPEN_SUFFIX,
    SENT_SUFFIX,
    SPANS_DROPPED,
    SPANS_ENDED,
    SPANS_EXPORTED,
    SPANS_SUFFIX,
    TALLY_SUFFIX,
)
from rbtrace.files.sidecars import Tally
from rbtrace.files.small_files import How, Identity, put_file, replace_file

_ATTEMPTS = 10_000
_GONE = frozenset({errno.ENOENT, errno.ESTALE, errno.ELOOP})


def _file_name_part(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._" else "_" for sign in text)[:64]


def _root() -> Identity:
    root = Path("/").stat()
    return root.st_dev, root.st_ino


class TraceFiles:
    """The files of one process in the folder of its run. Created with the first line written."""

    def __init__(self, folder: Path, host: str, pid: int) -> None:
        self.folder = folder
        self.stem = f"{_file_name_part(host)}-{pid}"
        self.bytes_written = 0
        self._base = self.stem
        self._root = _root()
        self._identity: Identity | None = None

    @property
    def spans_path(self) -> Path:
        """The append-only file of finished spans."""
        return self.folder / f"{self.stem}{SPANS_SUFFIX}"

    def append(self, line: bytes) -> tuple[int, int]:
        """Append one whole line, or nothing of it; return the range of bytes it has in the file.

        A file that somebody has removed or replaced is gone on with in another one.

        Raises:
            OSError: the folder or the file cannot be written, or the disk is full.
        """
        identity = self.create()
        try:
            put_file(self.spans_path, How.APPEND, line, identity)
        except OSError as problem:
            if problem.errno not in _GONE or _root() != self._root:
                raise  # in another root (`chroot`) the folder is nowhere
            self._identity, self.bytes_written = None, 0
            identity = self.create()
            put_file(self.spans_path, How.APPEND, line, identity)
        start = self.bytes_written
        self.bytes_written = start + len(line)
        return start, self.bytes_written

    def empty(self) -> None:
        """Start the span file over: all it holds is elsewhere."""
        if self._identity is not None and self.bytes_written:
            put_file(self.spans_path, How.REPLACE, b"", self._identity)
            self.bytes_written = 0

    def create(self) -> Identity:
        """Create the folder and an empty span file of a name nobody has; return its identity.

        Raises:
            OSError: the folder or the file cannot be created.
        """
        if self._identity is not None:
            return self._identity
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(_ATTEMPTS):
            self.stem = f"{self._base}-{number}"
            with suppress(FileExistsError):
                self._identity = put_file(self.spans_path, How.CREATE, b"")
                return self._identity
        raise FileExistsError(f"{self.folder} holds {_ATTEMPTS} files named {self._base}-*")

    def replace_tally(self, content: bytes) -> None:
        """Replace the `.tally` file atomically."""
        self._replace(TALLY_SUFFIX, content)

    def replace_open(self, content: bytes) -> None:
        """Replace the `.open` file atomically; it is kept even when empty."""
        self._replace(OPEN_SUFFIX, content)

    def remove_open(self) -> None:
        """Remove the `.open` file: this process ended cleanly."""
        self._remove(OPEN_SUFFIX)

    def replace_sent(self, content: bytes) -> None:
        """Replace the `.sent` file atomically; remove it if there is nothing to say."""
        if content:
            self._replace(SENT_SUFFIX, content)
        else:
            self._remove(SENT_SUFFIX)

    def _remove(self, suffix: str) -> None:
        with suppress(OSError):
            (self.folder / f"{self.stem}{suffix}").unlink()

    def _replace(self, suffix: str, content: bytes) -> None:
        replace_file(self.folder / f"{self.stem}{suffix}", content)


class Counts:
    """Cumulative numbers of span records: real spans, exemplars and summaries alike.

    Spans are counted where they end, by each thread for itself: without a lock, which a signal
    handler could find taken.
    """

    def __init__(self) -> None:
        self._ended: dict[int, int] = {}
        self.exported = 0
        self.delivered = 0
        self.spilled = 0
        self.dropped = 0

    def note_ended(self) -> None:
        """A span has ended in the calling thread."""
        thread = get_ident()
        self._ended[thread] = self._ended.get(thread, 0) + 1

    @property
    def ended(self) -> int:
        """Spans ended so far."""
        return sum(list(self._ended.values()))

    def attributes_of_next(self) -> dict[str, int]:
        """The counts as they stand on a local-root span, which is itself the next to be counted."""
        return {
            SPANS_ENDED: self.ended + 1,
            SPANS_EXPORTED: self.exported,
            SPANS_DROPPED: self.dropped,
        }


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Who writes a set of trace files."""

    run_id: str
    host: str
    pid: int
    started: str | None
    instance: str


def tally(process: ProcessIdentity, counts: Counts, spans_file: Path, bytes_written: int) -> Tally:
    """The counts as they stand: who writes, what was counted, how long the file is."""
    return Tally(
        run_id=process.run_id,
        host=process.host,
        pid=process.pid,
        started=process.started,
        instance=process.instance,
        spans_file=spans_file.name,
        ended=counts.ended,
        exported=counts.exported,
        delivered=counts.delivered,
        spilled=counts.spilled,
        dropped=counts.dropped,
        bytes=bytes_written,
    )
