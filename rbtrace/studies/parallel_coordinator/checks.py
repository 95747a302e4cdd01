"""Tables of the study of parallel coordination: checks by what is not rbtrace, and without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import duration, percent, ratio
from rbtrace.statistics import compare_runs
from rbtrace.studies.parallel_coordinator.figures import Groups, Parallel, PoolRun
from rbtrace.studies.pools import IN_WORDS
from rbtrace.studies.shared_tables import interval_of


class Agreement(NamedTuple):
    """The backtests of one way and number of workers, by two means each; sums over runs, ns.

    Attributes:
        way: of distributing them.
        workers: how many.
        clocked: between two readings of the monotonic clock in the worker.
        busy: the same by rbtrace.
        used: CPU time between two readings of getrusage in the worker.
        cpu: the same by rbtrace; None where this system does not give it.
        life: CPU time of the workers from the fork to the exit, by getrusage of the children.
    """

    way: str
    workers: int
    clocked: int
    busy: int
    used: int
    cpu: int | None
    life: int

    @property
    def busy_ratio(self) -> float:
        """Busy time by rbtrace ÷ by the clock."""
        return self.busy / self.clocked

    @property
    def cpu_ratio(self) -> float | None:
        """CPU time by rbtrace ÷ by getrusage."""
        return self.cpu / self.used if self.cpu and self.used else None


def agreements(spans: Mapping[tuple[str, int], Sequence[Parallel]]) -> list[Agreement]:
    """Busy and CPU time of the workers by rbtrace, and by the clock and the kernel."""
    both = []
    for (way, workers), group in spans.items():
        batches = [one.run.batches[0] for one in group]
        told = [one.region.cpu_ns for one in group]
        both.append(
            Agreement(
                way,
                workers,
                clocked=sum(sum(batch.durations) for batch in batches),
                busy=sum(one.region.busy_ns for one in group),
                used=sum(one.cpu_ns for batch in batches for one in batch.evaluated),
                cpu=sum(one for one in told if one is not None) if None not in told else None,
                life=sum(batch.children_cpu_ns for batch in batches),
            )
        )
    return both


def agreement_table(found: Sequence[Agreement]) -> Table:
    """The two means beside each other."""
    rows = [
        Row(
            [
                IN_WORDS[one.way],
                str(one.workers),
                duration(one.clocked),
                duration(one.busy),
                f"{one.busy_ratio:.4f}",
                duration(one.used),
                duration(one.cpu),
                "–" if one.cpu_ratio is None else f"{one.cpu_ratio:.4f}",
                duration(one.life),
                percent(one.used / one.life if one.life else None),
            ]
        )
        for one in found
    ]
    titles = ["workers", "busy, by a clock", "busy, by rbtrace", "busy ÷", "CPU, by getrusage"]
    titles += ["CPU, by rbtrace", "CPU ÷", "CPU of the workers' life", "of it in backtests"]
    note = (
        "The same backtests in the same workers. Beside the spans: the monotonic clock and "
        "getrusage of the thread, read in the worker; and getrusage of the children, which the "
        "kernel gives to whoever waited for them: their life from the fork to the exit. A span "
        "encloses the readings, and a worker's first also the start of tracing there."
    )
    return Table("Check: getrusage of the workers", columns("way", titles), rows, note)


def tracing_table(runs: list[PoolRun], groups: Groups) -> Table:
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
