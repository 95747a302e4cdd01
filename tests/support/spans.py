"""Small traces, readable in a test: spans as objects, written as OTLP JSON lines."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rbtrace import conventions as key
from rbtrace.analysis.assembly import build
from rbtrace.analysis.columns import Builder
from rbtrace.analysis.loading import Loaded
from rbtrace.analysis.readers import otlp_json
from rbtrace.analysis.results import Results, evaluate
from rbtrace.analysis.sources import ReadFaults, Sidecars

REAL, SUMMARY, EXEMPLAR = "real", "summary", "exemplar"


@dataclass
class Span:
    """A span. `id` and `parent` are small numbers, 0 for no parent; times are ns."""

    id: int
    name: str
    start: int = 0
    end: int = 0
    parent: int = 0
    trace: int = 1
    kind: str = REAL
    thread: str = ""
    process: int = 7
    category: str = ""
    calls: int = 1
    total: int = 0
    self_ns: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)

    def all_attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.category:
            found[key.CATEGORY] = self.category
        if self.thread:
            found[key.THREAD_ID] = self.thread
        if self.kind == EXEMPLAR:
            found[key.EXEMPLAR] = True
        if self.kind == SUMMARY:
            found |= {
                key.IS_SUMMARY: True,
                key.SPAN_COUNT: self.calls,
                key.DURATION_TOTAL: self.total,
                key.SELF_NS: self.self_ns,
            }
        return found | self.attributes

    def all_resource(self) -> dict[str, Any]:
        return {key.HOST_NAME: "host", key.PROCESS_PID: self.process, **self.resource}

    def otlp(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "traceId": f"{self.trace:032x}",
            "spanId": f"{self.id:016x}",
            "parentSpanId": f"{self.parent:016x}" if self.parent else "",
            "name": self.name,
            "kind": 1,
            "startTimeUnixNano": str(self.start),
            "endTimeUnixNano": str(self.end),
            "attributes": attributes(self.all_attributes()),
        }
        return found | ({"links": self.links} if self.links else {})


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": any_value(value)} for name, value in values.items()]


def any_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else "Infinity"}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case _:
            return {"stringValue": value}


def request(spans: Sequence[Span]) -> dict[str, Any]:
    """One request: neighbouring spans of the same process share a resource."""
    resources: list[dict[str, Any]] = []
    for span in spans:
        resource = {"attributes": attributes(span.all_resource())}
        if not resources or resources[-1]["resource"] != resource:
            resources.append({"resource": resource, "scopeSpans": [{"spans": []}]})
        resources[-1]["scopeSpans"][0]["spans"].append(span.otlp())
    return {"resourceSpans": resources}


def lines(spans: Sequence[Span], per_line: int = 3) -> bytes:
    cut = [spans[at : at + per_line] for at in range(0, len(spans), per_line)]
    return b"".join(json.dumps(request(part)).encode() + b"\n" for part in cut)


def write(path: Path, spans: Sequence[Span]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(spans))
    return path


def write_tally(spans_path: Path, **values: Any) -> Path:
    stem = spans_path.name.removesuffix(key.SPANS_SUFFIX)
    path = spans_path.with_name(stem + key.TALLY_SUFFIX)
    tally = {"version": 1, "host": "host", "pid": 7, "started": None, "instance": "", **values}
    path.write_text(json.dumps(tally))
    return path


def loaded(*contents: bytes) -> Loaded:
    """Read files that exist only in memory."""
    builder, faults = Builder(), ReadFaults()
    for content in contents:
        stream = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
        otlp_json.read(stream, builder, faults, lambda _count: None)
        faults.nothing_follows()
    faults.invalid_lines += builder.invalid_spans
    return Loaded(build(builder), faults, Sidecars([], [], [], [], []))


def evaluated(spans: Iterable[Span]) -> Results:
    return evaluate(loaded(lines(list(spans))))
