"""What is read with the compiled scanner and without it, in a form that can be compared."""

from __future__ import annotations

import io
from typing import Any

import pytest

from rbtrace.analysis.columns import Builder
from rbtrace.analysis.loading import Reader
from rbtrace.analysis.readers import otlp_json, protobuf_spans
from rbtrace.analysis.sources import ReadFaults
from rbtrace.analysis.streams import DAMAGED, HEAD_BYTES, with_head
from rbtrace.errors import InputError

type Found = tuple[Builder, ReadFaults] | str | None


def read_as(reader: Reader, content: bytes, *, compiled: bool) -> Found:
    """What is in content; why it was refused; None if it is not of this format."""
    builder, faults = Builder(), ReadFaults()
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(otlp_json, "COMPILED", None)
            patch.setattr(protobuf_spans, "COMPILED", None)
        try:
            with with_head(io.BytesIO(content)) as stream:
                if not reader.recognises(stream.peek(HEAD_BYTES)):
                    return None
                reader.read(stream, builder, faults, lambda _count: None)
        except (InputError, *DAMAGED) as problem:
            return repr(problem)
    return builder, faults


def comparable(found: Found) -> Any:
    """The spans with all that is known of them, in order of their ids; and the faults."""
    if found is None or isinstance(found, str):
        return found
    builder, faults = found
    batch = builder.take()
    builder.add_batch(batch)  # so that it can be analyzed, too
    named = [builder.traces.values_by_code, builder.names.values_by_code]
    named += [builder.origins.values_by_code, builder.shared.values_by_code]
    summaries = dict(zip(batch.summary_rows.tolist(), batch.figures.tolist(), strict=True))
    rows = [
        (
            repr((named[0][row[0]], *row[1:5], named[1][row[5]])),
            repr((named[2][row[6]], named[3][row[7]], row[8])),
            repr((batch.own_attributes.get(number), summaries.get(number))),
        )
        for number, row in enumerate(zip(*(one.tolist() for one in batch.columns), strict=True))
    ]
    counted = (faults.invalid_lines, faults.truncated_lines, faults.cut, builder.invalid_spans)
    buckets = sorted(zip(batch.buckets.middle_ns.tolist(), batch.buckets.calls, strict=True))
    return sorted(rows), buckets, counted
