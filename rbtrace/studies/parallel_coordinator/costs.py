"""Tables of the study of parallel coordination: what distribution costs, and what that predicts."""

from __future__ import annotations

from statistics import median
from typing import Final

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import duration, percent, ratio, size
from rbtrace.studies.parallel_coordinator.figures import (
    UNLIMITED,
    Costs,
    Groups,
    Work,
    asleep,
    predict,
    wall,
)
from rbtrace.studies.pools import IN_WORDS

REAL_CORES: Final = 16
"""Cores that the model is asked about."""


def distribution_table(groups: Groups) -> Table:
    """What tasks that need no core cost."""
    rows = []
    for (way, workers), group in groups.items():
        at_once = [one.batches[0] for one in group]
        slept = [one.batches[1] for one in group]
        tasks = len(at_once[0].evaluated)
        rows.append(
            Row(
                [
                    IN_WORDS[way],
                    str(workers),
                    duration(median(one.making_ns for one in slept)),
                    duration(median(one.startup_ns for one in slept)),
                    duration(median(one.each_ns for one in at_once)),
                    duration(median(one.gap_ns for one in slept)),
                    duration(median(one.own_cpu_ns / tasks for one in at_once)),
                    size(median(one.traffic.sent_bytes / tasks for one in at_once)),
                    duration(median(one.traffic.sent_ns / tasks for one in at_once)),
                    size(median(one.traffic.received_bytes / tasks for one in at_once)),
                    duration(median(one.traffic.received_ns / tasks for one in at_once)),
                    duration(median(one.closing_ns for one in slept)),
                ]
            )
        )
    titles = ["workers", "making the pool", "to a worker's first task", "handling of a task"]
    titles += ["gap between tasks", "pool's CPU per task", "sent", "pickling", "received"]
    titles += ["unpickling", "closing"]
    note = (
        "Tasks that need no core, untraced, so that more workers than cores can be measured. "
        "Handling: with tasks that are over at once, time per task from the first start to the "
        "last result; rustybt looks for results every 10 ms, with two tasks per worker under way. "
        "Pickling and bytes are per task, in the process with the pool. The others: "
        "tasks that sleep for 50 ms."
    )
    return Table("What distribution costs", columns("way", titles), rows, note)


def model_table(
    groups: Groups, costs: dict[tuple[str, int], Costs], work: Work, cores: int
) -> Table:
    """The model on this machine's cores beside what was measured, and on more."""
    rows = []
    for (way, workers), cost in costs.items():
        here, there = predict(cost, work, cores), predict(cost, work, REAL_CORES)
        group = groups.get((way, workers))
        measured = wall(group) if group else None
        gained = work.sequential_ns / there
        rows.append(
            Row(
                [
                    IN_WORDS[way],
                    str(workers),
                    duration(measured),
                    duration(here),
                    ratio(here / measured if measured else None),
                    duration(there),
                    ratio(gained),
                    percent(gained / workers),
                ]
            )
        )
    titles = ["workers", "measured here", f"model, {cores} cores", "model ÷ measured"]
    titles += [f"model, {REAL_CORES} cores", "its speed-up", "its efficiency"]
    note = (
        "start-up + max(ceil(N/W)·(each + gap) + first, (N·each + min(W, N)·first)/C, "
        "N·handling) + closing, for N backtests, W workers and C cores. Each and first are those "
        "of backtests one after the other, all else is of the table before: no figure of this "
        "table's measured column is in the model. It knows nothing of memory bandwidth, shared "
        f"caches and clock rates: for {REAL_CORES} cores it bounds the speed-up from above."
    )
    return Table("What the costs predict for more cores", columns("way", titles), rows, note)


def asleep_table(groups: Groups, costs: dict[tuple[str, int], Costs]) -> Table:
    """The model on tasks for which every machine has enough cores."""
    rows = []
    for (way, workers), group in groups.items():
        measured = median(one.batches[1].wall_ns for one in group)
        expected = predict(costs[way, workers], asleep(group), UNLIMITED)
        cells = [duration(measured), duration(expected), ratio(expected / measured)]
        rows.append(Row([IN_WORDS[way], str(workers), *cells]))
    note = (
        "Tasks that sleep need no core, so this is the model with a core for every worker. Start-up"
        ", gap and closing are taken from these batches: what is checked is how the model puts "
        "them together."
    )
    titles = ["workers", "measured", "model", "model ÷ measured"]
    return Table("Check: the model on sleeping tasks", columns("way", titles), rows, note)
