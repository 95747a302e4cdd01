"""The small files beside a spans file: `.tally` says what was recorded, `.sent` what was delivered.

A tally outlives the spans it counts, so that a lost spans file still shows.
"""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """Counts of one process's span records, as of its last flush.

    Attributes:
        version: of the file's format.
        run_id: the run the process is part of.
        host: name of the process's host.
        pid: the process's number there.
        started: tells the process from a later one of that number (`liveness`); None when the
            process writes no longer.
        instance: `service.instance.id` of the process.
        spans_file: name of the spans file.
        ended: spans that have ended.
        exported: spans that were written, or taken by a collector.
        delivered: spans a collector has taken.
        spilled: spans that wait in the file for a collector.
        dropped: spans that were lost, since there was no room for them.
        bytes: length of the spans file.
    """

    version: int = 1
    run_id: str = ""
    host: str
    pid: int
    started: str | None = None
    instance: str = ""
    spans_file: str = ""
    ended: int = 0
    exported: int = 0
    delivered: int = 0
    spilled: int = 0
    dropped: int = 0
    bytes: int = 0

    @property
    def process(self) -> str:
        """The process as reports show it."""
        return f"{self.host}/{self.pid}"


class Sent(msgspec.Struct):
    """The ranges of bytes of a spans file that a collector has: start, and end behind the last."""

    version: int = 1
    ranges: list[tuple[int, int]] = []
