"""pprof: the gzipped `profile.proto` that `go tool pprof` and Grafana read."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

from rbtrace.analysis.readers.otlp_protobuf import as_varint
from rbtrace.profiling.flamegraph.profile import Profile

# Field numbers of https://github.com/google/pprof/blob/main/proto/profile.proto
_VARINT, _BYTES = 0, 2
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRINGS = 1, 2, 4, 5, 6
_TIME, _DURATION, _PERIOD_TYPE, _PERIOD = 9, 10, 11, 12


def to_pprof(profile: Profile) -> bytes:
    """Encode a profile: two values for each stack, the number of samples and their ns."""
    texts = _Texts()
    message = bytearray()
    for kind, unit in (("samples", "count"), ("wall", "nanoseconds")):
        message += _message(_SAMPLE_TYPE, _number(1, texts[kind]), _number(2, texts[unit]))
    for stack, weight, count in profile.folded():
        locations = list(_locations(profile, stack))
        if locations:
            message += _message(_SAMPLE, _packed(1, locations), _packed(2, [count, weight]))
    for identity, frame in enumerate(profile.frames, start=1):
        line = _message(4, _number(1, identity), _number(2, frame.line))
        message += _message(_LOCATION, _number(1, identity), line)
        name, file = texts[frame.name], texts[frame.file]
        message += _message(
            _FUNCTION,
            _number(1, identity), _number(2, name), _number(3, name), _number(4, file),
            _number(5, frame.line),
        )  # fmt: skip
    starts = [process.start_ns for process in profile.processes if process.start_ns]
    ends = [process.end_ns for process in profile.processes if process.end_ns]
    intervals = [process.interval_ns for process in profile.processes if process.interval_ns]
    if starts:
        message += _number(_TIME, min(starts))
        message += _number(_DURATION, max(0, max(ends, default=0) - min(starts)))
    if intervals:
        wall, ns = texts["wall"], texts["nanoseconds"]
        message += _message(_PERIOD_TYPE, _number(1, wall), _number(2, ns))
        message += _number(_PERIOD, min(intervals))
    for text in texts.in_order():
        message += _field(_STRINGS, text.encode("utf-8", "replace"))
    return gzip.compress(bytes(message), mtime=0)


class _Texts:
    """The string table; its first is empty."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def __getitem__(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def in_order(self) -> Iterable[str]:
        return self._numbers


def _locations(profile: Profile, stack: int) -> Iterator[int]:
    """Numbers of the frames of a stack, innermost first."""
    while stack:
        yield int(profile.frame[stack]) + 1
        stack = int(profile.parent[stack])


def _number(field: int, number: int) -> bytes:
    return as_varint(field << 3 | _VARINT) + as_varint(number) if number else b""


def _field(field: int, content: bytes) -> bytes:
    return as_varint(field << 3 | _BYTES) + as_varint(len(content)) + content


def _message(field: int, *parts: bytes) -> bytes:
    return _field(field, b"".join(parts))


def _packed(field: int, numbers: Iterable[int]) -> bytes:
    return _field(field, b"".join(map(as_varint, numbers)))
