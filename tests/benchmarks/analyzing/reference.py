"""The reference: a bare script that decodes OTLP JSON lines and computes self times.

It checks nothing, knows one spelling, and looks at no attribute: what a careful programmer would
write in an afternoon with msgspec and numpy for one clean file. `rbtrace analyze` does everything
else in addition, and is measured against it.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt


class Span(msgspec.Struct, rename="camel", gc=False):
    """What self time needs of a span."""

    trace_id: str
    span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    parent_span_id: str = ""


class ScopeSpans(msgspec.Struct, rename="camel", gc=False):
    """Spans of a scope."""

    spans: list[Span]


class ResourceSpans(msgspec.Struct, rename="camel", gc=False):
    """Spans of a resource."""

    scope_spans: list[ScopeSpans]


class Request(msgspec.Struct, rename="camel", gc=False):
    """A line."""

    resource_spans: list[ResourceSpans]


def main(path: str) -> None:
    """Print the self time of every operation, the greatest first."""
    decode = msgspec.json.Decoder(Request, strict=False).decode
    codes: dict[str, int] = {}
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    with open(path, "rb") as file:  # noqa: PTH123 - a script
        for line in file:
            for resource in decode(line).resource_spans:
                for scope in resource.scope_spans:
                    spans = scope.spans
                    parts.append(
                        (
                            np.array([int(span.span_id, 16) for span in spans], np.uint64),
                            np.array(
                                [int(span.parent_span_id or "0", 16) for span in spans], np.uint64
                            ),
                            np.array([span.start_time_unix_nano for span in spans], np.int64),
                            np.array([span.end_time_unix_nano for span in spans], np.int64),
                            np.array(
                                [codes.setdefault(span.name, len(codes)) for span in spans],
                                np.int32,
                            ),
                        )
                    )
    span_id, parent_id, start, end, name = map(np.concatenate, zip(*parts, strict=True))
    self_ns = self_times(span_id, parent_id, start, end)
    spent = np.zeros(len(codes), np.int64)
    np.add.at(spent, name, self_ns)
    for code in np.argsort(-spent):
        sys.stdout.write(f"{list(codes)[code]}\t{spent[code]}\n")


def self_times(
    span_id: npt.NDArray[Any],
    parent_id: npt.NDArray[Any],
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
) -> npt.NDArray[Any]:
    """Duration of each span less the union of its children's intervals clipped to it."""
    order = np.argsort(span_id)
    ordered = span_id[order]
    position = np.minimum(np.searchsorted(ordered, parent_id), ordered.size - 1)
    is_here = ordered[position] == parent_id
    child = np.flatnonzero(is_here)
    parent = order[position[is_here]]
    low = np.maximum(start[child], start[parent])
    high = np.minimum(end[child], end[parent])
    by_parent = np.lexsort((low, parent))
    parent, low, high = parent[by_parent], low[by_parent], np.maximum(low, high)[by_parent]
    duration = end - start
    offset = (np.cumsum(duration) - duration - start)[parent]
    reached = np.maximum.accumulate(high + offset)
    before = np.concatenate((low[:1] + offset[:1], reached[:-1]))
    gained = np.maximum(reached - np.maximum(low + offset, before), 0)
    covered = np.zeros(span_id.size, np.int64)
    np.add.at(covered, parent, gained)
    left: npt.NDArray[Any] = duration - covered
    return left


if __name__ == "__main__":
    main(sys.argv[1])
