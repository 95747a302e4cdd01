"""Tables of the study of parallel coordination: checks by what is not rbtrace, and without it."""

from __future__ import annotations

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import duration, percent, ratio
from rbtrace.scenarios.studies.parallel_coordinator_figures import Groups, Parallel, Run
from rbtrace.scenarios.studies.pools import IN_WORDS
from rbtrace.scenarios.studies.words import interval_of
from rbtrace.statistics import compare_runs


def agreement_table(spans: dict[tuple[str, int], list[Parallel]]) -> Table:
    """Busy and CPU time of the workers by rbtrace, and by the clock and the kernel."""
    rows = []
    for (way, workers), group in spans.items():
        batches = [one.run.batches[0] for one in group]
        clocked = sum(sum(batch.durations) for batch in batches)
        busy = sum(one.region.busy_ns for one in group)
        used = sum(one.cpu_ns for batch in batches for one in batch.evaluated)
        told = [one.region.cpu_ns for one in group]
        cpu = sum(one for one in told if one is not None) if None not in told else None
        life = sum(batch.children_cpu_ns for batch in batches)
        rows.append(
            Row(
                [
                    IN_WORDS[way],
                    str(workers),
                    duration(clocked),
                    duration(busy),
                    f"{busy / clocked:.4f}",
                    duration(used),
                    duration(cpu),
                    f"{cpu / used:.4f}" if cpu and used else "–",
                    duration(life),
                    percent(used / life if life else None),
                ]
            )
        )
    titles = ["workers", "busy, by a clock", "busy, by rbtrace", "busy ÷", "CPU, by getrusage"]
    titles += ["CPU, by rbtrace", "CPU ÷", "CPU of the workers' life", "of it in backtests"]
    note = (
        "The same backtests in the same workers. Beside the spans: the monotonic clock and "
        "getrusage of the thread, read in the worker; and getrusage of the children, which the "
        "kernel gives to whoever waited for them: their life from the fork to the exit. A span "
        "encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table("Check: getrusage of the workers", columns("way", titles), rows, note)


def tracing_table(runs: list[Run], groups: Groups) -> Table:
    """The same backtests with and without tracing; no rows where there are none without."""
    rows = []
    for (way, workers), traced in groups.items():
        plain = [
            one.wall_ns
            for one in runs
            if not one.traced and not one.dispatch and (one.way, one.workers) == (way, workers)
        ]
        if plain:
            found = compare_runs(plain, [one.wall_ns for one in traced])
            cells = [f"{len(plain)} and {len(traced)}", ratio(found.ratio), interval_of(found)]
            rows.append(Row([IN_WORDS[way], str(workers), *cells]))
    titles = ["workers", "runs", "traced ÷ untraced", "95 %"]
    return Table("Check: what tracing adds", columns("way", titles), rows)
