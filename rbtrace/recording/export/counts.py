"""What this process has recorded, in numbers that outlive the spans they count.

The same counts stand on local-root spans and in the `.tally` file, so that a lost span file still
shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING

import msgspec

from rbtrace.conventions import SPANS_DROPPED, SPANS_ENDED, SPANS_EXPORTED

if TYPE_CHECKING:
    from pathlib import Path


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


def encode_tally(
    process: ProcessIdentity, counts: Counts, spans_file: Path, bytes_written: int
) -> bytes:
    """The content of a `.tally` file: who writes, what was counted, how long the file is."""
    return msgspec.json.encode(
        {
            "version": 1,
            "run_id": process.run_id,
            "host": process.host,
            "pid": process.pid,
            "started": process.started,
            "instance": process.instance,
            "spans_file": spans_file.name,
            "ended": counts.ended,
            "exported": counts.exported,
            "delivered": counts.delivered,
            "spilled": counts.spilled,
            "dropped": counts.dropped,
            "bytes": bytes_written,
        }
    )


def encode_sent(ranges: list[tuple[int, int]]) -> bytes:
    """The content of a `.sent` file: the ranges of bytes of the spans file a collector has."""
    return msgspec.json.encode({"version": 1, "ranges": ranges})
