"""Tables of the study of Ray: checks by Ray's own counts and by a clock in the workers."""

from __future__ import annotations

from rbtrace.recording.propagation.objective import EVALUATE
from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count, duration, size
from rbtrace.studies.evidence import Evidence
from rbtrace.studies.pools import IN_WORDS, RAY
from rbtrace.studies.ray_vs_pool.figures import (
    AGAIN,
    ARRAYS,
    FIRST,
    OPTIMIZER,
    Groups,
    Run,
    with_workers,
)

CALLED: dict[str, str] = {OPTIMIZER: "rustybt's optimizer"}
"""Batches whose names say too little."""


def ray_table(groups: Groups) -> Table:
    """Tasks that were given to Ray, and what its state API knows of them."""
    runs = [one for (way, _), group in groups.items() if way == RAY for one in group]
    rows = []
    for name in runs[0].found.batches if runs else ():
        handed = sum(len(one.found.batches[name].evaluated) for one in runs)
        finished = sum((one.found.finished or {}).get(name, 0) for one in runs)
        same = "yes" if handed == finished else "no"
        stored = sum(one.found.stored_bytes or 0 for one in runs) if name == ARRAYS else None
        given = sum(_array_bytes(one) for one in runs) if name == ARRAYS else None
        cells = [count(handed), count(finished), same, size(given), size(stored)]
        rows.append(Row([CALLED.get(name, name), *cells]))
    note = (
        "Results that came back, and tasks that have finished by ray.util.state.list_tasks; "
        "bytes of the arrays, and of the objects by summarize_objects, which have a header each."
    )
    titles = ["results", "finished, says Ray", "equal", "arrays", "objects, says Ray"]
    return Table("Check: Ray's state API", columns("batch", titles), rows, note)


def _array_bytes(run: Run) -> int:
    return run.found.array_bytes * len(run.found.batches[ARRAYS].evaluated)


def clock_table(evidence: Evidence, groups: Groups) -> Table:
    """Evaluations by the workers' own clock, and by their spans."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        told = [
            one.ended_ns - one.started_ns
            for run in group
            for name in (FIRST, AGAIN, OPTIMIZER)
            for one in run.found.batches[name].evaluated
        ]
        spans = [
            one
            for run in group
            for one in evidence.of(run.run_id).operations
            if one.name in {f"{way}.evaluate", EVALUATE}
        ]
        total = sum(one.total_ns for one in spans)
        rows.append(
            Row(
                [
                    IN_WORDS[way],
                    str(workers),
                    count(len(told)),
                    count(sum(one.calls for one in spans)),
                    duration(sum(told)),
                    duration(total),
                    f"{total / sum(told):.4f}",
                ]
            )
        )
    titles = ["workers", "backtests", "spans", "by a clock", "by rbtrace", "÷"]
    note = (
        "The monotonic clock around each backtest, read in the worker, and the spans of the same. "
        "A span encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table("Check: a clock in the workers", columns("way", titles), rows, note)
