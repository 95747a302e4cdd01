"""Spans with all that a trace may hold, and filters that take some of them."""

from __future__ import annotations

from rbtrace import conventions as key
from tests.support.spans import EXEMPLAR, SUMMARY, Span

FILTERS = (
    "name == 'a'", "name ~ 'b' or not category == 'user'", "name != 'hot' and name != 'c'",
    "duration > 10ns", "duration <= 9.5ns", "duration == 3ns or duration == 2.5ns",
    "not duration != 4.5ns", "process == 'host/7'", "process.pid >= 8", "host.name ~ 'os'",
    "service.name != 'x'", "rbtrace.run.id != 'r'", "rbtrace.arm == 'candidate'",
    "rustybt.trial.number < 5", "rustybt.trial.score >= 0.1 and rustybt.trial.number != 3",
    "not rustybt.trial.number == 4", "rustybt.workers >= 2", "rbtrace.cpu_ns < 1us",
    "not (rbtrace.runqueue_ns > 2ns or duration < 20ns)",
)  # fmt: skip

# Runs of two arms, histograms, links, moved origins, counts, implicit spans, a lost start.
OF_RUN = {key.RUN_ID: "r", key.ARM: "candidate", key.PAIR: 2, key.ORDER: 1}
PECULIAR = [
    Span(1, "sweep", 100, 900, attributes={key.SPANS_ENDED: 9, key.WORKERS: 3},
         resource=OF_RUN, thread="1"),
    Span(2, "trial", 150, 300, 1, process=8, thread="3", category="user", resource=OF_RUN,
         attributes={key.TRIAL_NUMBER: 4, key.TRIAL_SCORE: 0.1, key.CPU_NS: 99,
                     key.RUNQUEUE_NS: 3}),
    Span(3, "hot", parent=2, kind=SUMMARY, calls=6, total=60, self_ns=40, process=8,
         attributes={key.HISTOGRAM_BOUNDS: [5e-9, 1.5e-8], key.HISTOGRAM_COUNTS: [1, 3, 6],
                     key.DURATION_MIN: 4, key.DURATION_MAX: 29}),
    Span(4, "inner", 160, 170, 3, process=8, thread="3"),
    Span(5, "slowest", 180, 200, 3, process=8, kind=EXEMPLAR),
    Span(6, "moved", 400, 500, process=9,
         attributes={key.RUN_ID: "r", key.ARM: "baseline", key.PROCESS_PID: 10}),
    Span(7, "far", 310, 380, trace=2, attributes={key.LINK: "parent"},
         links=[{"traceId": f"{1:032X}", "spanId": f"{1:016X}",
                 "attributes": [{"key": key.LINK, "value": {"stringValue": "parent"}}]}]),
    Span(8, key.UNATTACHED, 10, 20), Span(9, key.THREAD, 10, 20, resource=OF_RUN),
    Span(10, "hot", parent=9, kind=SUMMARY, calls=2, total=8, self_ns=8, resource=OF_RUN),
    Span(11, "lost its start", 0, 2 * 10**17, trace=3),
]  # fmt: skip
