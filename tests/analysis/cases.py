"""The files in `corpus/`, each with the self times worked out by hand.

Every one is what some program may leave behind. Its times are small numbers of nanoseconds, so that
the reason beside an expectation can be checked in the head.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

CORPUS = Path(__file__).with_name("corpus")
COUNTS = (
    "duplicates", "orphans", "clipped", "unfinished", "negative",
    "invalid_lines", "truncated_lines",
)  # fmt: skip


class Case(NamedTuple):
    """A file, the self time of every operation in it (ns), why, and what is amiss with it."""

    file: str
    self_ns: dict[str, int]
    why: str
    amiss: dict[str, int] = {}  # noqa: RUF012 - never changed


CASES = [
    Case("single.jsonl", {"root": 100}, "105 − 5"),
    Case("sequential.jsonl", {"root": 50, "a": 30, "b": 20}, "root: 100 − 30 − 20"),
    Case(
        "parallel.jsonl",
        {"root": 30, "a": 50, "b": 40},
        "root: 100 − [10, 80]: the overlap counts once",
    ),
    Case(
        "identical.jsonl",
        {"root": 50, "a": 50, "b": 50},
        "root: 100 − [10, 60], though two children fill it",
    ),
    Case(
        "within.jsonl",
        {"root": 20, "a": 80, "b": 10},
        "root: 100 − [10, 90]; b lies in a's time and is not its child",
    ),
    Case(
        "touching.jsonl", {"root": 0, "a": 50, "b": 50}, "the children fill the root without a gap"
    ),
    Case(
        "outlives.jsonl",
        {"root": 30, "a": 70},
        "root: 50 − [80, 100]; a keeps all of its 70",
        {"clipped": 1},
    ),
    Case("precedes.jsonl", {"root": 40, "a": 50}, "root: 50 − [50, 60]", {"clipped": 1}),
    Case(
        "misses.jsonl",
        {"root": 50, "a": 50},
        "a child wholly outside takes nothing from its parent",
        {"clipped": 1},
    ),
    Case(
        "engulfs.jsonl",
        {"root": 0, "a": 240},
        "a child longer than its parent at both ends",
        {"clipped": 1},
    ),
    Case(
        "grandchild-outlives.jsonl",
        {"root": 60, "a": 10, "b": 50},
        "root: 100 − [10, 50], b is not its child; a: 40 − [20, 50]",
        {"clipped": 1},
    ),
    Case(
        "negative.jsonl",
        {"root": 90, "a": 0},
        "an end before the start: the span takes no time",
        {"negative": 1},
    ),
    Case("no-end.jsonl", {"root": 90, "a": 0}, "nothing was seen after a began", {"unfinished": 1}),
    Case(
        "open-root.jsonl",
        {"root": 10, "a": 40},
        "the root lasts until the last it saw: [10, 60] − [20, 60]",
        {"unfinished": 1},
    ),
    Case(
        "end-left-out.jsonl",
        {"root": 10, "a": 40},
        "a field that is left out is a 0",
        {"unfinished": 1},
    ),
    Case("no-start.jsonl", {"root": 100, "a": 0}, "a start of 1970 was lost: a takes no time"),
    Case("zero-length.jsonl", {"root": 90, "a": 0}, "60 − 60"),
    Case(
        "one-nanosecond.jsonl",
        {"root": 2, "a": 1},
        "a float64 of today's epoch holds no single nanoseconds",
    ),
    Case(
        "duplicates.jsonl",
        {"root": 70, "a": 30},
        "a batch that was sent twice counts once",
        {"duplicates": 2},
    ),
    Case(
        "duplicate-of-open.jsonl",
        {"root": 70, "a": 30},
        "of two records of a span the one with an end counts",
        {"duplicates": 1},
    ),
    Case(
        "same-id-two-traces.jsonl",
        {"root": 110, "a": 40},
        "ids are unique within a trace only: (100 − 30) + (50 − 10)",
    ),
    Case(
        "orphan.jsonl",
        {"root": 100, "a": 30},
        "its parent is not there: a is a root",
        {"orphans": 1},
    ),
    Case("two-roots.jsonl", {"root": 100, "other": 50}, "two roots of one trace"),
    Case(
        "own-parent.jsonl",
        {"root": 100, "a": 30},
        "a span that is its own parent is a root",
        {"orphans": 1},
    ),
    Case(
        "cycle.jsonl",
        {"a": 30, "b": 10},
        "a begins first and becomes the root: 40 − 10",
        {"orphans": 1},
    ),
    Case(
        "child-first.jsonl",
        {"root": 70, "b": 20, "c": 10},
        "children stand before their parents: 100 − 30, 30 − 10",
    ),
    Case(
        "parent-link.jsonl",
        {"root": 70, "a": 30},
        "a link that says parent makes the span of another trace a child",
    ),
    Case("plain-link.jsonl", {"root": 100, "a": 30}, "any other link changes nothing"),
    Case(
        "summary.jsonl",
        {"root": 60, "hot": 30, "inner": 10},
        "root: 100 − 30 − 10; drawn intervals enter nothing",
    ),
    Case(
        "pruned.jsonl",
        {"root": 60, "SELECT": 40},
        "the collector's span-pruning processor: 4 spans of 40 ns together",
    ),
    Case(
        "exemplar.jsonl",
        {"root": 60, "hot": 40},
        "the exemplar is one of the two calls already counted",
    ),
    Case(
        "real-under-summary.jsonl", {"root": 60, "hot": 15, "load": 25}, "root: 100 − [30, 55] − 15"
    ),
    Case(
        "other-thread.jsonl",
        {"root": 100, "hot": 40},
        "hot calls of another thread ran beside the root",
    ),
    Case("numbers.jsonl", {"root": 70, "a": 30}, "int64 as JSON numbers"),
    Case("upper-case-ids.jsonl", {"root": 70, "a": 30}, "hexadecimal of either case is one id"),
    Case("base64-ids.jsonl", {"root": 70, "a": 30}, "protobuf's own JSON writes bytes in base64"),
    Case(
        "mixed-ids.jsonl",
        {"root": 70, "a": 30},
        "the same trace from two writers: both spellings are one id",
    ),
    Case("enum-text.jsonl", {"root": 70, "a": 30}, "enums as text and as numbers"),
    Case("snake-case.jsonl", {"root": 70, "a": 30}, "snake_case keys"),
    Case("library-spans.jsonl", {"root": 70, "a": 30}, "the name that scopeSpans had before 2022"),
    Case("nulls.jsonl", {"root": 70, "a": 30}, "null for what is not there"),
    Case("byte-order-mark.jsonl", {"root": 70, "a": 30}, "a byte order mark"),
    Case("crlf.jsonl", {"root": 70, "a": 30}, "line ends of Windows"),
    Case("blank-lines.jsonl", {"root": 70, "a": 30}, "blank lines"),
    Case("no-last-newline.jsonl", {"root": 70, "a": 30}, "no newline at the end"),
    Case(
        "truncated.jsonl",
        {"root": 70, "a": 30},
        "the writer was killed within its last line",
        {"truncated_lines": 1},
    ),
    Case(
        "torn-twice.jsonl",
        {"root": 70, "a": 30},
        "two writers were killed within a line, and the third went on in their file",
        {"truncated_lines": 2},
    ),
    Case(
        "broken-line.jsonl",
        {"root": 70, "a": 30},
        "a line that breaks off between good ones",
        {"invalid_lines": 1},
    ),
    Case(
        "bad-span.jsonl",
        {"root": 70, "a": 30},
        "ids that are none, among good spans",
        {"invalid_lines": 1},
    ),
    Case(
        "metrics-among.jsonl",
        {"root": 70, "a": 30},
        "the collector writes metrics to the same file",
    ),
    Case("printed.json", {"root": 70, "a": 30}, "one document printed over many lines"),
    Case("printed-twice.json", {"root": 70, "a": 30}, "printed documents one after the other"),
    Case("array.json", {"root": 70, "a": 30}, "an array of requests"),
    Case("answer.json", {"root": 70, "a": 30}, "the answer of Jaeger's query interface"),
    Case("lines.jsonl.gz", {"root": 70, "a": 30}, "gzip"),
    Case(
        "gzip-without-suffix", {"root": 70, "a": 30}, "two gzip members, and no suffix that says so"
    ),
    Case("lines.jsonl.zst", {"root": 70, "a": 30}, "zstd"),
    Case(
        "collector-zstd.json",
        {"root": 70, "a": 30},
        "the collector writes four bytes of length before each frame",
    ),
    Case("single.binpb", {"root": 70, "a": 30}, "one protobuf message"),
    Case("varint-lengths.binpb", {"root": 70, "a": 30}, "protobuf messages with varint lengths"),
    Case(
        "collector-lengths.binpb",
        {"root": 70, "a": 30},
        "protobuf messages with four-byte lengths, as the collector writes them",
    ),
    Case(
        "jaeger.json",
        {"root": 70000, "a": 30000},
        "Jaeger's microseconds are thousands of nanoseconds",
    ),
]
