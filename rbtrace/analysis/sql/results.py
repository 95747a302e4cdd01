"""All results of an analysis in a database: the same as those in memory."""

from __future__ import annotations

from typing import Final

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.breakdowns import overhead_to_computation
from rbtrace.analysis.filtering import leading_to_calls, parse_filter
from rbtrace.analysis.integrity import ProcessKey, SpanCounts, compare_counts, process_key, warnings
from rbtrace.analysis.loading import ReadReport
from rbtrace.analysis.parallel import regions, trial_durations, trials
from rbtrace.analysis.results import Filtered, Results, environment
from rbtrace.analysis.runs import OperationsWithIntervals, TracedRun, over_runs
from rbtrace.analysis.sql import breakdowns
from rbtrace.analysis.sql.breakdowns import call_paths
from rbtrace.analysis.sql.critical_path import critical_path
from rbtrace.analysis.sql.detail import histograms, timeline
from rbtrace.analysis.sql.engine import Engine, number
from rbtrace.analysis.sql.joining import join_spans
from rbtrace.analysis.sql.selection import apply_filter, trial_and_region_spans
from rbtrace.analysis.sql.self_time import SelfTimeCounts, make_self_times
from rbtrace.analysis.table import Anomalies


def evaluate_in(
    engine: Engine, report: ReadReport, how: str, *, full: bool = False, only: str | None = None
) -> Results:
    """Run the analyses in a database.

    Args:
        engine: the database, with the spans.
        report: what there is to say about how they were read.
        how: where and why they are analyzed there, for people.
        full: make the timeline and histograms as well.
        only: a filter: which spans count in breakdowns and trials.
    """
    anomalies = join_spans(engine)
    processes = {code: Origin(*origin) for code, *origin in engine.ask(_PROCESSES)}
    self_times = make_self_times(engine, processes)
    counts = _span_counts(engine, processes, anomalies, self_times)
    integrity = compare_counts(counts, report.faults, report.sidecars)
    by_run = breakdowns.runs(engine)
    wall = sum(run.wall_ns for run in by_run)
    everything = number(engine, _SELF)
    critical = critical_path(engine, processes)
    task_spans = trial_and_region_spans(engine, processes)
    parallel, workers = regions(task_spans)
    filtered = None
    if only is not None:
        chosen = apply_filter(engine, parse_filter(only), processes)
        filtered = Filtered(only, chosen, everything)
        task_spans = trial_and_region_spans(engine, processes)
    with_shares = _operations(engine, by_run)
    by_trial = trials(task_spans)
    by_category = breakdowns.categories(engine)
    paths = call_paths(engine)
    return Results(
        integrity=integrity,
        wall_ns=wall,
        self_ns=sum(operation.self_ns for operation in with_shares.operations),
        parallelism=everything / wall if wall else None,
        overhead_to_computation=overhead_to_computation(by_category),
        operations=with_shares.operations,
        categories=by_category,
        processes=breakdowns.process_times(engine, processes),
        paths=paths if only is None else leading_to_calls(paths),
        critical_path=critical,
        regions=parallel,
        workers=workers,
        trials=by_trial,
        trial_durations=trial_durations(by_trial),
        runs=by_run,
        environment=environment(list(processes.values())),
        warnings=[*warnings(integrity), *report.sidecars.warnings(), *with_shares.warnings],
        share_note=with_shares.note,
        timeline=timeline(engine, processes) if full else [],
        histograms=histograms(engine) if full else [],
        filter=filtered,
        computed=how,
    )


def _operations(engine: Engine, by_run: list[TracedRun]) -> OperationsWithIntervals:
    return over_runs(
        breakdowns.operations(engine),
        breakdowns.self_by_run(engine),
        len({run.arm for run in by_run}),
        lambda: breakdowns.largest_calls(engine),
    )


def _span_counts(
    engine: Engine,
    processes: dict[int, Origin],
    anomalies: Anomalies,
    self_times: SelfTimeCounts,
) -> SpanCounts:
    ((spans, summaries, calls),) = engine.ask(_COUNTS)
    ended_by_process: dict[ProcessKey, int] = {}
    read: dict[ProcessKey, int] = {}
    for code, ended in engine.ask(_SAID):
        process = process_key(processes[code])
        ended_by_process[process] = max(ended, ended_by_process.get(process, 0))
    for code, count in engine.ask(_READ):
        process = process_key(processes[code])
        read[process] = read.get(process, 0) + count
    return SpanCounts(
        spans=spans,
        summaries=summaries,
        calls=calls or 0,
        clipped=self_times.clipped,
        overfull=self_times.overfull,
        anomalies=anomalies,
        clock_shifts=self_times.clock_shifts,
        said=ended_by_process,
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

_SELF: Final = """
select cast(sum(case when kind < 2 then self_ns else 0 end) as bigint) from spent
"""
