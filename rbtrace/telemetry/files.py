"""Trace files: one append-only span file per process, and small files replaced as a whole.

A folder of a run is 0700, its files 0600: spans can hold what a strategy does. A span file is
opened `O_EXCL`, since containers share pids and host names, and written unbuffered in whole lines.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from rbtrace.conventions import OPEN_SUFFIX, SENT_SUFFIX, SPANS_SUFFIX, TALLY_SUFFIX
from rbtrace.small_files import replace_file

_ATTEMPTS = 10_000


def _file_name_part(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._" else "_" for sign in text)[:64]


class TraceFiles:
    """The files of one process in the folder of its run. Created with the first line written."""

    def __init__(self, folder: Path, host: str, pid: int) -> None:
        self.folder = folder
        self.stem = f"{_file_name_part(host)}-{pid}"
        self.bytes_written = 0
        self._descriptor: int | None = None

    @property
    def spans_path(self) -> Path:
        """The append-only file of finished spans."""
        return self.folder / f"{self.stem}{SPANS_SUFFIX}"

    def append(self, line: bytes) -> tuple[int, int]:
        """Append one whole line, or nothing of it; return the range of bytes it has in the file.

        Raises:
            OSError: the folder or the file cannot be written, or the disk is full.
        """
        descriptor = self.create()
        start = self.bytes_written
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, start)
            raise
        self.bytes_written = start + len(line)
        return start, self.bytes_written

    def empty(self) -> None:
        """Start the span file over: all it holds is elsewhere."""
        if self._descriptor is not None and self.bytes_written:
            os.ftruncate(self._descriptor, 0)
            self.bytes_written = 0

    def create(self) -> int:
        """Create the folder and an empty span file of a name nobody has; return its descriptor.

        Raises:
            OSError: the folder or the file cannot be created.
        """
        if self._descriptor is not None:
            return self._descriptor
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = self.stem
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        for number in range(_ATTEMPTS):
            self.stem = f"{base}-{number}"
            with suppress(FileExistsError):
                self._descriptor = os.open(self.spans_path, flags, 0o600)
                return self._descriptor
        self.stem = base
        raise FileExistsError(f"{self.folder} holds {_ATTEMPTS} files named {base}-*")

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

    def close(self) -> None:
        """Close the span file (also in a forked child, which inherits the descriptor)."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
