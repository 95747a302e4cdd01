"""For tests of traced code: capture what is recorded, with a clock that stands still.

    from rbtrace.testing import assert_calls, capture

    with capture() as captured:
        @rbtrace.traced
        def work(): ...
        work()

    assert [span.name for span in captured.spans] == ["work"]
    assert_calls(captured, {"work": 1})

`@traced` decides when it decorates, so decorate inside the block (or have tracing on before).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rbtrace.conventions import EXEMPLAR, IS_SUMMARY, SPAN_COUNT, SPANS_SUFFIX
from rbtrace.recording.engines.control import configure, shutdown
from rbtrace.recording.export import clock
from rbtrace.settings import SETTINGS

__all__ = [
    "Capture",
    "CapturedSpan",
    "FakeClock",
    "assert_calls",
    "capture",
    "fake_clock",
    "read_spans",
]

type CallPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CapturedSpan:
    """One span as it was written: ids in hex, times in epoch ns, attributes as Python values."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    scope: str
    status: int
    events: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def duration_ns(self) -> int:
        """End minus start, ns."""
        return self.end_ns - self.start_ns

    @property
    def is_summary(self) -> bool:
        """Whether it stands for many calls."""
        return bool(self.attributes.get(IS_SUMMARY))

    @property
    def calls(self) -> int:
        """Number of calls it stands for."""
        return int(self.attributes.get(SPAN_COUNT, 1))

    @property
    def is_exemplar(self) -> bool:
        """Whether it is also counted in its summary."""
        return bool(self.attributes.get(EXEMPLAR))


@dataclass(slots=True)
class Capture:
    """What a `capture` block recorded; filled when the block ends."""

    directory: Path
    spans: list[CapturedSpan] = field(default_factory=list)

    def named(self, name: str) -> list[CapturedSpan]:
        """Real spans and summaries of that name, exemplars left out."""
        return [span for span in self.spans if span.name == name and not span.is_exemplar]

    def one(self, name: str) -> CapturedSpan:
        """The only real span or summary of that name.

        Raises:
            AssertionError: there is none, or more than one.
        """
        spans = self.named(name)
        if len(spans) != 1:
            names = sorted({span.name for span in self.spans})
            raise AssertionError(f"{len(spans)} spans are named {name!r}; there are {names}")
        return spans[0]

    def calls(self) -> dict[str, int]:
        """Calls per operation: those summaries stand for, and real spans."""
        counted: dict[str, int] = {}
        for span in self.spans:
            if not span.is_exemplar:
                counted.setdefault(span.name, 0)
                counted[span.name] += span.calls
        return counted

    def call_paths(self) -> dict[CallPath, int]:
        """Calls per call path: the names from a root down to the operation."""
        by_id = {(span.trace_id, span.span_id): span for span in self.spans}
        counted: dict[CallPath, int] = {}
        for span in self.spans:
            if span.is_exemplar:
                continue
            path = [span.name]
            above = by_id.get((span.trace_id, span.parent_id or ""))
            while above is not None:
                if not above.is_exemplar:
                    path.append(above.name)
                above = by_id.get((above.trace_id, above.parent_id or ""))
            place = tuple(reversed(path))
            counted[place] = counted.get(place, 0) + span.calls
        return counted


def assert_calls(
    captured: Capture, expected: Mapping[str | CallPath, int] | Capture, *, only: bool = False
) -> None:
    """Check how often operations were called: exact, however fast the machine is.

    Args:
        captured: what was recorded.
        expected: number of calls by operation name or by call path (a tuple of names); 0 for what
            must not be called. Or what another run recorded, which must agree on every path.
        only: whether nothing else may have been called, in the terms of the keys: name or path.

    Raises:
        AssertionError: counts differ; every difference is named.
    """
    actual: dict[Any, int] = {**captured.calls(), **captured.call_paths()}
    wanted: Mapping[Any, int] = expected if isinstance(expected, Mapping) else expected.call_paths()
    only = only or isinstance(expected, Capture)
    compared = dict.fromkeys(wanted)
    if only:
        kinds = {type(key) for key in wanted} or {tuple}
        compared |= dict.fromkeys(key for key in actual if type(key) in kinds)
    wrong = [
        f"{key if isinstance(key, str) else ' > '.join(key)}: "
        f"{actual.get(key, 0)} calls, expected {wanted.get(key, 0)} "
        f"({actual.get(key, 0) - wanted.get(key, 0):+})"
        for key in compared
        if actual.get(key, 0) != wanted.get(key, 0)
    ]
    if wrong:
        raise AssertionError("\n".join(wrong))


@contextmanager
def capture(directory: Path | None = None, **settings: Any) -> Iterator[Capture]:
    """Record what the block does, as a run of its own, into a folder that goes with it.

    Args:
        directory: keep the files here instead.
        **settings: as for `rbtrace.configure`: `detail="calls"`, `params=True`, …

    Raises:
        SettingError: a setting has a value it may not have.
    """
    variables = [row.variable for row in SETTINGS]
    before = {name: os.environ.pop(name) for name in variables if name in os.environ}
    try:
        with tempfile.TemporaryDirectory(prefix="rbtrace-") as scratch:
            captured = Capture(directory or Path(scratch))
            configure(enabled=True, directory=captured.directory, **settings)
            try:
                yield captured
            finally:
                shutdown()
                captured.spans = read_spans(captured.directory.rglob(f"*{SPANS_SUFFIX}"))
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def read_spans(paths: Iterable[Path]) -> list[CapturedSpan]:
    """Read OTLP JSON lines into spans, in the order of paths and lines."""
    return [
        _span(span, _plain(group["resource"]), scope["scope"].get("name", ""))
        for path in sorted(paths)
        for line in path.read_bytes().splitlines()
        for group in json.loads(line)["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]


def _span(raw: Mapping[str, Any], resource: Mapping[str, Any], scope: str) -> CapturedSpan:
    return CapturedSpan(
        name=raw["name"],
        trace_id=raw["traceId"],
        span_id=raw["spanId"],
        parent_id=raw.get("parentSpanId"),
        start_ns=int(raw["startTimeUnixNano"]),
        end_ns=int(raw.get("endTimeUnixNano", 0)),
        attributes=_plain(raw),
        resource=resource,
        scope=scope,
        status=raw["status"].get("code", 0),
        events=tuple((event["name"], _plain(event)) for event in raw.get("events", ())),
    )


def _plain(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["key"]: _value(entry["value"]) for entry in holder.get("attributes", ())}


def _value(wrapped: Mapping[str, Any]) -> Any:
    for kind, value in wrapped.items():
        if kind == "intValue":
            return int(value)
        if kind == "arrayValue":
            return [_value(item) for item in value.get("values", ())]
        return value
    return None


class FakeClock:
    """A clock that moves only when told to. Readings are ns."""

    def __init__(self, now_ns: int = 1_000_000_000) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        """The present reading, ns."""
        return self.now_ns

    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.now_ns += nanoseconds


@contextmanager
def fake_clock(now_ns: int = 1_000_000_000) -> Iterator[FakeClock]:
    """Let spans and hot calls read a `FakeClock`. Decorate hot functions inside the block."""
    standing = FakeClock(now_ns)
    original = clock.monotonic_ns
    clock.monotonic_ns = standing
    try:
        yield standing
    finally:
        clock.monotonic_ns = original
