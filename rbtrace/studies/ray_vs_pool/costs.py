"""Tables of the study of Ray: what a task costs, and what memory is held."""

from __future__ import annotations

from rbtrace.reporting.model import Row, Table, columns
from rbtrace.reporting.numbers import count, duration, size
from rbtrace.studies.pools import IN_WORDS
from rbtrace.studies.ray_vs_pool.figures import (
    ARRAYS,
    AT_ONCE,
    ONE_BY_ONE,
    Groups,
    each,
    held,
    with_workers,
)


def task_table(groups: Groups) -> Table:
    """What it takes to have a task done that is over at once."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        message = group[0].found.message or {}
        array = group[0].found.array_bytes
        arrays = each(group, ARRAYS)
        rows.append(
            Row(
                [
                    IN_WORDS[way],
                    str(workers),
                    duration(each(group, AT_ONCE)),
                    duration(each(group, ONE_BY_ONE)),
                    size(message.get("task_bytes")),
                    duration(message.get("task_ns")),
                    size(message.get("result_bytes")),
                    duration(message.get("result_ns")),
                    size(message.get("once_bytes")),
                    size(array),
                    duration(arrays),
                    f"{size(array * 1e9 / arrays)}/s",
                ]
            )
        )
    titles = ["workers", "pipelined", "one at a time", "task", "pickling it", "result"]
    titles += ["pickling the result", "once, for all tasks", "array", "task with an array", "rate"]
    note = (
        "Time per task. Pipelined: all are given out, then waited for. One at a time: each is "
        "waited for before the next. Bytes are those of what is pickled for a task and its result; "
        "Ray pickles the function once, and sends more that is not pickled. An array is "
        "an argument of its own for each task: through a pipe in a pool, in Ray's object store."
    )
    return Table("What a task costs", columns("way", titles), rows, note)


def memory_table(groups: Groups) -> Table:
    """What the workers hold, and what else runs for them."""
    rows = []
    for (way, workers), group in with_workers(groups).items():
        cells = [IN_WORDS[way], str(workers)]
        for when, whose in (
            ("before", "workers"),
            ("after", "workers"),
            ("after", "helpers"),
            ("after", "own"),
        ):
            if whose == "helpers":
                told = (one.found.memory[when]["helpers_processes"] for one in group)
                cells.append(count(max(told)))
            cells += [
                size(held(group, when, f"{whose}_{kind}")) for kind in ("resident", "proportional")
            ]
        rows.append(Row(cells))
    parts = [
        f"{when}, {kind}" for when in ("before", "after") for kind in ("resident", "proportional")
    ]
    titles = ["workers", *parts, "other processes", "others, resident", "others, proportional"]
    titles += ["own, resident", "own, proportional"]
    note = (
        "By /proc/PID/smaps_rollup: all workers together, before the backtests and after; other "
        "processes, which are Ray's servers, agents and dashboard; and the process that gives out "
        "the tasks, its own. "
        "Resident counts a page for every process that has it, proportional divides it among them: "
        "forked workers share most with the process that forked them."
    )
    return Table("Memory", columns("way", titles), rows, note)
