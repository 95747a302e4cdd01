"""What should be there, by the independent counter, and what is, by the files and the report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rbtrace
from rbtrace.errors import InputError

INTERVAL_NS = 1_500_000_000
"""The documented flush interval, and half as much for the flush itself on a busy machine."""


START = b'{"resourceSpans":'


@dataclass(frozen=True)
class Counted:
    """What the traced functions counted themselves.

    Attributes:
        spans: real spans of each name.
        calls: hot calls of each name.
        pids: the processes that counted.
        times: when each of them was, monotonic ns, in the order they were counted.
        ended_ns: when the program was over but for its exit, monotonic ns.
    """

    spans: Counter[str]
    calls: Counter[str]
    pids: set[int]
    times: list[int]
    ended_ns: int | None

    @classmethod
    def read(cls, path: Path) -> Counted:
        """Read the counter's file."""
        counted = cls(Counter(), Counter(), set(), [], None)
        ended = None
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, name, pid, time = line.split()
            if kind == "end":
                ended = int(time)
            elif kind in {"span", "call"}:
                (counted.spans if kind == "span" else counted.calls)[name] += 1
                counted.times.append(int(time))
                counted.pids.add(int(pid))
        return cls(counted.spans, counted.calls, counted.pids, counted.times, ended)

    def in_the_last_interval(self) -> int:
        """How many were counted in the last flush interval."""
        if not self.times:
            return 0
        since = max(self.times) - INTERVAL_NS
        return sum(time >= since for time in self.times)


@dataclass(frozen=True)
class Kept:
    """What is left of it.

    Attributes:
        calls: calls of each operation in the report: of spans, and of what summaries stand for.
        integrity: the integrity of the report.
        report: the report in Markdown.
        records: spans in the span files, summaries and exemplars included.
        repeats: spans that are in span files more than once.
        wire_repeats: spans that a collector has received more than once.
        is_torn: whether a collector was killed while it wrote a line.
    """

    calls: Counter[str]
    integrity: dict[str, Any]
    report: str
    records: int
    repeats: int
    wire_repeats: int
    is_torn: bool

    @classmethod
    def read(cls, paths: Iterable[Path], received: Iterable[Path] = ()) -> Kept:
        """Analyze traces, and read the ids of their spans without rbtrace."""
        paths = [path for path in paths if path.exists()]
        files = [file for path in paths for file in sorted(path.rglob("*.otlp.jsonl"))]
        at_collector = {file for path in received for file in path.rglob("*.otlp.jsonl")}
        try:
            analysis = rbtrace.analyze(paths)
        except InputError as problem:
            return cls(Counter(), {}, str(problem), 0, 0, 0, False)
        document = json.loads(analysis.to_json())
        return cls(
            Counter({row["name"]: row["calls"] for row in document["operations"]}),
            document["integrity"],
            analysis.to_markdown(),
            sum(1 for _ in raw_spans(files)),
            repeated(file for file in files if file not in at_collector),
            repeated(at_collector),
            any(map(has_torn_line, at_collector)),
        )


def has_torn_line(file: Path) -> bool:
    """Whether a line was not finished before the next began, or at the end."""
    *lines, rest = file.read_bytes().split(b"\n")
    return bool(rest) or any(line.rindex(START) for line in lines)


def repeated(files: Iterable[Path]) -> int:
    """Spans whose ids were in the files before."""
    ids = Counter((span["traceId"], span["spanId"]) for span in raw_spans(files))
    return ids.total() - len(ids)


def raw_spans(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Every span of whole OTLP JSON lines, as the json module reads it."""
    for file in files:
        for line in file.read_bytes().split(b"\n")[:-1]:  # nothing, or what is cut off
            whole = line[line.rindex(START) :]  # a killed collector left a torn beginning
            for group in json.loads(whole)["resourceSpans"]:
                for scope in group["scopeSpans"]:
                    yield from scope["spans"]
