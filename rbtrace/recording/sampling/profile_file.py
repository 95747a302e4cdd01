"""Writing the profile file of one process, which is only appended to.

After `MOST_SINGLE` samples only sums are kept, for each minute,
span and stack, so that a process may run for days.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from rbtrace.files.profiles import ProfileHeader, ProfileLine, ProfileMinutes
from rbtrace.files.small_files import How, Identity, put_file
from rbtrace.recording.sampling.samples import FULL, Sample
from rbtrace.recording.sampling.stacks import StackTable

MOST_SINGLE: Final = 200_000
"""Samples that are written one by one."""
_MINUTE_NS: Final = 60_000_000_000

type _Key = tuple[int, int, int, int]
"""Start of the minute, epoch ns; stack; trace id; span id."""


class ProfileFile:
    """Writes the samples. Created with the first line.

    Attributes:
        dropped: samples that could not be written while the disk failed.
    """

    def __init__(self, path: Path, header: ProfileHeader) -> None:
        self.dropped = 0
        self._path = path
        self._header = header
        self._identity: Identity | None = None
        self._frames = 0
        self._stacks = 0
        self._single = 0
        self._waiting: list[Sample] = []
        self._sums: dict[_Key, list[int]] = {}

    def write(
        self, stacks: StackTable, samples: list[Sample], state: dict[str, Any], *, final: bool
    ) -> None:
        """Append one line, or nothing of it; nothing if there is nothing new.

        Args:
            stacks: has the stacks of the samples; what is new of it is written.
            samples: those since the last time.
            state: what else there is to say as of now.
            final: whether the sums of a minute that is not over are written, too.

        Raises:
            OSError: the line cannot be written; the samples wait for the next time.
        """
        self._sort_in(samples)
        # A signal may add to both meanwhile. Samples were drained before stacks are listed, and
        # stacks before frames: so all that is referred to is among what is new, or known.
        parents = list(stacks.new_stacks)
        frames = list(stacks.new_frames)
        latest = max((key[0] for key in self._sums), default=0)
        due = {key: sums for key, sums in self._sums.items() if final or key[0] < latest}
        if not self._waiting and not due and not (final and self._identity is not None):
            return
        line = ProfileLine(
            known=(self._frames, self._stacks),
            frames=frames,
            stacks=parents,
            **_samples(self._waiting),
            **state,
            minutes=_minutes(due) if due else msgspec.UNSET,
        )
        try:
            self._append(line)
        except OSError:
            self.dropped += max(0, len(self._waiting) - FULL)
            del self._waiting[:-FULL]
            raise
        self._waiting.clear()
        for key in due:
            del self._sums[key]
        self._frames += len(frames)
        self._stacks += len(parents)
        for queue, count in ((stacks.new_frames, len(frames)), (stacks.new_stacks, len(parents))):
            for _ in range(count):
                queue.popleft()

    def _sort_in(self, samples: list[Sample]) -> None:
        single = samples[: max(0, MOST_SINGLE - self._single)]
        self._single += len(single)
        self._waiting += single
        for sample in samples[len(single) :]:
            minute = sample.time - sample.time % _MINUTE_NS
            key = (minute, sample.stack, sample.trace_id, sample.span_id)
            sums = self._sums.setdefault(key, [0, 0])
            sums[0] += 1
            sums[1] += sample.weight

    def _append(self, line: ProfileLine) -> None:
        content = msgspec.json.encode(line) + b"\n"
        if self._identity is None:
            header = msgspec.json.encode(self._header) + b"\n"
            self._identity = put_file(self._path, How.CREATE, header + content)
        else:
            put_file(self._path, How.APPEND, content, self._identity)


def _samples(samples: list[Sample]) -> dict[str, Any]:
    """Samples as columns; times as differences, each to the one before, the first to `from`."""
    origin = samples[0].time if samples else 0
    times = [sample.time for sample in samples]
    spans = _Spans()
    return {
        "origin": origin,
        "times": [time - before for time, before in zip(times, [origin, *times], strict=False)],
        "weights": [sample.weight for sample in samples],
        "at": [sample.stack for sample in samples],
        "within": [spans.number(sample.trace_id, sample.span_id) for sample in samples],
        "spans": spans.ids,
    }


def _minutes(sums: dict[_Key, list[int]]) -> ProfileMinutes:
    spans = _Spans()
    return ProfileMinutes(
        times=[minute for minute, _, _, _ in sums],
        counts=[count for count, _ in sums.values()],
        weights=[weight for _, weight in sums.values()],
        at=[stack for _, stack, _, _ in sums],
        within=[spans.number(trace_id, span_id) for _, _, trace_id, span_id in sums],
        spans=spans.ids,
    )


class _Spans:
    """Numbers spans from 1, within a line; 0 is none."""

    def __init__(self) -> None:
        self.ids: list[tuple[str, str]] = []
        self._numbers: dict[tuple[int, int], int] = {(0, 0): 0}

    def number(self, trace_id: int, span_id: int) -> int:
        key = (trace_id, span_id)
        if key not in self._numbers:
            self.ids.append((f"{trace_id:032x}", f"{span_id:016x}"))
            self._numbers[key] = len(self.ids)
        return self._numbers[key]
