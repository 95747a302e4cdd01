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
    for one in traces:
        identity = trace_id(one.number).hex()
        content = {"data": [_jaeger(one, identity)]}
        (folder / f"{identity}.json").write_text(json.dumps(content, separators=(",", ":")))


def _jaeger(one: Trace, identity: str) -> dict[str, Any]:
    names = [f"{number:016x}" for number in one.span_id.tolist()]
    starts, ends = (one.start // US).tolist(), (one.end // US).tolist()
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
            names, one.parent.tolist(), one.operation.tolist(), starts, ends, strict=True
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
        for one in traces:
            first = int(one.start[0] // US) if first is None else first
            events = list(_chrome(one, first))
            file.write(",\n" if one.number else "\n")
            file.write(",\n".join(json.dumps(event, separators=(",", ":")) for event in events))
        file.write("\n]}\n")


def _chrome(one: Trace, first: int) -> Iterator[dict[str, Any]]:
    process = 1000 + one.number % WORKERS
    lanes = _lanes(one)
    starts, ends = one.start // US - first, one.end // US - first
    for number in range(one.span_id.size):
        operation = OPERATIONS[one.operation[number]]
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


def _lanes(one: Trace) -> list[int]:
    """For each span the first thread that is idle then, or on which its parent is innermost."""
    starts, ends, parents = (
        (one.start // US).tolist(),
        (one.end // US).tolist(),
        one.parent.tolist(),
    )
    stacks: list[list[int]] = []
    lanes = [0] * len(starts)
    for number in np.lexsort((-one.end // US, one.start // US)).tolist():
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
