"""The results of an analysis that a database made: fewer than those in memory, and the same.

A filter, and what needs the spans one by one, are not among them; `Results.left_out` says so.
"""

from __future__ import annotations

from typing import Final

from rbtrace.analysis.categories import overhead_to_computation
from rbtrace.analysis.facts import Origin
from rbtrace.analysis.integrity import ProcessKey, Seen, judge, process_key, warnings
from rbtrace.analysis.loading import Read
from rbtrace.analysis.regions import regions
from rbtrace.analysis.results import Results, environment
from rbtrace.analysis.share_intervals import over_runs
from rbtrace.analysis.sql import breakdowns
from rbtrace.analysis.sql.engine import Engine
from rbtrace.analysis.sql.joining import join_spans
from rbtrace.analysis.sql.paths import call_paths
from rbtrace.analysis.sql.picked import pick
from rbtrace.analysis.sql.self_time import Spent, spend
from rbtrace.analysis.table import Anomalies
from rbtrace.analysis.trials import trial_durations, trials

LEFT_OUT: Final = ("critical path",)
_ONLY_IN_FULL: Final = ("timeline", "histograms")


def evaluate_in(engine: Engine, found: Read, how: str, *, full: bool = False) -> Results:
    """Run the analyses in a database.

    Args:
        engine: the database, with the spans.
        found: what there is to say about how they were read.
        how: where and why they are analyzed there, for people.
        full: name also what only a full report would have had.
    """
    anomalies = join_spans(engine)
    processes = {code: Origin(*origin) for code, *origin in engine.ask(_PROCESSES)}
    spent = spend(engine, processes)
    integrity = judge(_seen(engine, processes, anomalies, spent), found.faults, found.beside)
    by_run = breakdowns.runs(engine)
    judged = over_runs(
        breakdowns.operations(engine),
        breakdowns.self_by_run(engine),
        len({run.arm for run in by_run}),
        lambda: breakdowns.largest_calls(engine),
    )
    few = pick(engine, processes)
    parallel, workers = regions(few)
    by_trial = trials(few)
    by_category = breakdowns.categories(engine)
    wall = sum(run.wall_ns for run in by_run)
    self_ns = sum(operation.self_ns for operation in judged.operations)
    return Results(
        integrity=integrity,
        wall_ns=wall,
        self_ns=self_ns,
        parallelism=self_ns / wall if wall else None,
        overhead_to_computation=overhead_to_computation(by_category),
        operations=judged.operations,
        categories=by_category,
        processes=breakdowns.process_times(engine, processes),
        paths=call_paths(engine),
        critical_path=[],
        regions=parallel,
        workers=workers,
        trials=by_trial,
        trial_durations=trial_durations(by_trial),
        runs=by_run,
        environment=environment(list(processes.values())),
        warnings=[
            *warnings(integrity),
            *(f"{path} is not a tally and was ignored" for path in found.beside.unreadable),
            *judged.warnings,
        ],
        share_note=judged.note,
        computed=how,
        left_out=[*LEFT_OUT, *(_ONLY_IN_FULL if full else ())],
    )


def _seen(engine: Engine, processes: dict[int, Origin], anomalies: Anomalies, spent: Spent) -> Seen:
    ((spans, summaries, calls),) = engine.ask(_COUNTS)
    said: dict[ProcessKey, int] = {}
    read: dict[ProcessKey, int] = {}
    for code, ended in engine.ask(_SAID):
        process = process_key(processes[code])
        said[process] = max(ended, said.get(process, 0))
    for code, count in engine.ask(_READ):
        process = process_key(processes[code])
        read[process] = read.get(process, 0) + count
    return Seen(
        spans=spans,
        summaries=summaries,
        calls=calls or 0,
        clipped=spent.clipped,
        overfull=spent.overfull,
        anomalies=anomalies,
        clock_shifts=spent.clock_shifts,
        said=said,
        read=read,
    )


_PROCESSES: Final = "select code, host, pid, instance, service from processes order by code"

_COUNTS: Final = """
select count(*), count(*) filter (where kind = 1),
  cast(sum(case when kind = 1 then calls else 0 end) as bigint) from spans
"""

_SAID: Final = """
select spans.process, max(found.spans_ended)
from found join spans on found.id = spans.id
where found.spans_ended is not null group by spans.process
"""

_READ: Final = "select process, count(*) from spans where not adopted group by process"
