"""A small trace of spans of every kind."""

from __future__ import annotations

from rbtrace import conventions as key
from tests.support.spans import EXEMPLAR, SUMMARY, Span

HISTOGRAM = {
    key.HISTOGRAM_BOUNDS: [1e-9, 2e-9, 8e-9],
    key.HISTOGRAM_COUNTS: [0, 3, 5, 5],
    key.DURATION_MIN: 2,
    key.DURATION_MAX: 7,
}
LINK = {
    "traceId": f"{1:032x}",
    "spanId": f"{1:016x}",
    "attributes": [{"key": key.LINK, "value": {"stringValue": "parent"}}],
}
SPANS = [
    Span(1, "sweep", 1_000, 9_000, category="search", thread="5", attributes={key.WORKERS: 2}),
    Span(2, "trial", 1_500, 4_000, 1, process=8, attributes={key.TRIAL_NUMBER: 0}),
    Span(3, "trial", 1_600, 8_000, 1, process=9, attributes={key.TRIAL_SCORE: 0.5}),
    Span(4, "hot", parent=2, kind=SUMMARY, calls=5, total=20, self_ns=20, attributes=HISTOGRAM),
    Span(5, "hot", 1_700, 1_710, 4, kind=EXEMPLAR),
    Span(6, "linked é", 2_000, 3_000, trace=2, process=8, links=[LINK]),
    Span(7, "n" * 300, 2_000, 2_500, 6, trace=2, process=8),
    Span(8, "open", 8_500, 0, 1),
    Span(9, "orphan", 10, 20, 77),
]
