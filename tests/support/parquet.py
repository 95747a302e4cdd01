"""The rows of a small trace in a Parquet file."""

from __future__ import annotations

from typing import Any


def row(identity: int, name: str, start: int, end: int, parent: int = 0, **more: Any) -> dict:
    trace = {"trace_id": f"{1:032x}", "adopted": False, "kind": 0}
    origin = {"host": "host", "pid": 7, "run_id": "r"}
    span = {"span_id": identity, "parent_id": parent, "name": name, "start_ns": start}
    return trace | origin | span | {"end_ns": end} | more


SUMMARY = {
    "kind": 1, "calls": 3, "total_ns": 30, "shortest_ns": 5, "longest_ns": 15, "self_ns": 20,
    "last_end_ns": 90, "bucket_ns": [5, 12], "bucket_calls": [1, 2],
}  # fmt: skip
ROWS = [
    row(1, "root", 10, 110, category="search", thread="5"),
    row(2, "trial", 20, 60, 1, pid=8, trial=4, score=0.5, cpu_ns=9, workers=2),
    row(3, "hot", 0, 0, 1, thread="5", **SUMMARY),
    row(4, "hot", 30, 40, 3, kind=2, thread="5"),
    row(5, "far", 50, 70, trace_id=f"{2:032x}", parent_trace_id=f"{1:032x}",
        parent_link_id=f"{2:016x}"),
    row(6, "open", 80, 0, 1, adopted=True),
]  # fmt: skip
