"""Traces in the formats that other analyzers read; both know microseconds only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.benchmarks.analyzing.forest import OPERATIONS, WORKERS, Trace, trace_id
from tests.benchmarks.analyzing.known import US

_THREADS: Final = 1000


def write_jaeger(folder: Path, traces: Iterable[Trace]) -> None:
    """A folder of JSON files as Jaeger's pages download them, one trace in each."""
    folder.mkdir()
    for trace in traces:
        identity = trace_id(trace.number).hex()
        content = {"data": [_jaeger(trace, identity)]}
        (folder / f"{identity}.json").write_text(json.dumps(content, separators=(",", ":")))


def _jaeger(trace: Trace, identity: str) -> dict[str, Any]:
    names = [f"{number:016x}" for number in trace.span_id.tolist()]
    starts, ends = (trace.start // US).tolist(), (trace.end // US).tolist()
    spans = [
        {
            "traceID": identity,
            "spanID": name,
            "operationName": OPERATIONS[operation].name,
            "references": []
            if parent < 0
            else [{"refType": "CHILD_OF", "traceID": identity, "spanID": names[parent]}],
            "startTime": start,
            "duration": end - start,
            "tags": [
                {"key": "span.kind", "type": "string", "value": "internal"},
                {
                    "key": "rbtrace.category",
                    "type": "string",
                    "value": OPERATIONS[operation].category,
                },
            ],
            "logs": [],
            "processID": "p1",
            "warnings": None,
        }
        for name, parent, operation, start, end in zip(
            names, trace.parent.tolist(), trace.operation.tolist(), starts, ends, strict=True
        )
    ]
    return {
        "traceID": identity,
        "spans": spans,
        "processes": {"p1": {"serviceName": "rbtrace", "tags": []}},
        "warnings": None,
    }


def write_chrome(path: Path, traces: Iterable[Trace]) -> None:
    """A file of Chrome trace events, as PyTorch's profiler writes them.

    On a thread events lie within each other. So children that overlap are on threads of their own.
    """
    first: int | None = None
    with path.open("w", encoding="utf-8") as file:
        file.write('{"schemaVersion":1,"distributedInfo":{"rank":0},"traceEvents":[')
        for trace in traces:
            first = int(trace.start[0] // US) if first is None else first
            events = list(_chrome(trace, first))
            file.write(",\n" if trace.number else "\n")
            file.write(",\n".join(json.dumps(event, separators=(",", ":")) for event in events))
        file.write("\n]}\n")


def _chrome(trace: Trace, first: int) -> Iterator[dict[str, Any]]:
    process = 1000 + trace.number % WORKERS
    lanes = _lanes(trace)
    starts, ends = trace.start // US - first, trace.end // US - first
    for number in range(trace.span_id.size):
        operation = OPERATIONS[trace.operation[number]]
        yield {
            "ph": "X",
            "cat": "cpu_op",
            "name": operation.name,
            "pid": process,
            "tid": process * _THREADS + lanes[number],
            "ts": int(starts[number]),
            "dur": int(ends[number] - starts[number]),
            "args": {"External id": number + 1},
        }


def _lanes(trace: Trace) -> list[int]:
    """For each span the first thread that is idle then, or on which its parent is innermost."""
    starts, ends, parents = (
        (trace.start // US).tolist(),
        (trace.end // US).tolist(),
        trace.parent.tolist(),
    )
    stacks: list[list[int]] = []
    lanes = [0] * len(starts)
    for number in np.lexsort((-trace.end // US, trace.start // US)).tolist():
        for stack in stacks:
            while stack and ends[stack[-1]] <= starts[number]:
                stack.pop()
        free = (
            lane for lane, stack in enumerate(stacks) if not stack or stack[-1] == parents[number]
        )
        lane = next(free, len(stacks))
        if lane == len(stacks):
            stacks.append([])
        stacks[lane].append(number)
        lanes[number] = lane
    return lanes
