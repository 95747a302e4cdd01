"""All results of an analysis in a database, the timeline and histograms among them."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Final

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.breakdowns import overhead_to_computation
from rbtrace.analysis.detail import (
    LONGEST_TIMELINE,
    DurationHistogram,
    TimelineSpan,
    in_timeline_order,
)
from rbtrace.analysis.filtering import leading_to_calls, parse_filter
from rbtrace.analysis.integrity import ProcessKey, SpanCounts, compare_counts, process_key, warnings
from rbtrace.analysis.loading import ReadReport
from rbtrace.analysis.parallel import regions, trial_durations, trials
from rbtrace.analysis.results import Filtered, Results, environment
from rbtrace.analysis.runs import OperationsWithIntervals, TracedRun, over_runs
from rbtrace.analysis.sql import breakdowns
from rbtrace.analysis.sql.breakdowns import call_paths
from rbtrace.analysis.sql.critical_path import critical_path
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
        report: how they were read.
        how: by which database they are analyzed and why, for the report.
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
    total_self_ns = number(engine, _TOTAL_SELF)
    critical = critical_path(engine, processes)
    task_spans = trial_and_region_spans(engine, processes)
    parallel, workers = regions(task_spans)
    filtered = None
    if only is not None:
        chosen = apply_filter(engine, parse_filter(only), processes)
        filtered = Filtered(only, chosen, total_self_ns)
        task_spans = trial_and_region_spans(engine, processes)
    with_shares = _operations(engine, by_run)
    by_trial = trials(task_spans)
    by_category = breakdowns.categories(engine)
    paths = call_paths(engine)
    return Results(
        integrity=integrity,
        wall_ns=wall,
        self_ns=sum(operation.self_ns for operation in with_shares.operations),
        parallelism=total_self_ns / wall if wall else None,
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
    for code, ended in engine.ask(_REPORTED):
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
        reported=ended_by_process,
        read=read,
    )


_PROCESSES: Final = "select code, host, pid, instance, service from processes order by code"

_COUNTS: Final = """
select count(*), count(*) filter (where kind = 1),
  cast(sum(case when kind = 1 then calls else 0 end) as bigint) from spans
"""

_REPORTED: Final = """
select spans.process, max(records.spans_ended)
from records join spans on records.id = spans.id
where records.spans_ended is not null group by spans.process
"""

_READ: Final = "select process, count(*) from spans where not adopted group by process"

_TOTAL_SELF: Final = """
select cast(sum(case when kind < 2 then self_ns else 0 end) as bigint) from weights
"""


def timeline(engine: Engine, processes: dict[int, Origin]) -> list[TimelineSpan]:
    """The real spans that count, in order of start, of more than `LONGEST_TIMELINE` the longest."""
    engine.make("above", _ABOVE)
    while number(engine, "select count(*) from above where up <> 0"):
        engine.make("above", _FURTHER_ABOVE)
    return in_timeline_order(
        TimelineSpan(name, start, end, processes[process].process, depth)
        for name, start, end, process, depth in engine.ask(_TIMELINE)
    )


def histograms(engine: Engine) -> list[DurationHistogram]:
    """The distribution of the durations of every operation, by name."""
    return [
        DurationHistogram(name, [row[1] for row in rows], [row[2] for row in rows])
        for name, rows in (
            (name, list(group)) for name, group in groupby(engine.ask(_BUCKETS), itemgetter(0))
        )
    ]


# How many real spans are above each, by doubling pointers.
_ABOVE: Final = """
select id, parent as up, case when parent <> 0 then 1 else 0 end as depth from nested
"""

_FURTHER_ABOVE: Final = """
select low.id as id, coalesce(high.up, 0) as up, low.depth + coalesce(high.depth, 0) as depth
from above as low left join above as high on low.up = high.id
"""

_TIMELINE: Final = f"""
select names.name, longest.start_ns, longest.end_ns, longest.process, above.depth
from (
  select tree.id as id, tree.name as name, tree.process as process, tree.start_ns as start_ns,
    tree.end_ns as end_ns, records.span_id as span_id
  from (select id from weights where kind = 0) as counted
  join tree on counted.id = tree.id join records on counted.id = records.id
  order by tree.end_ns - tree.start_ns desc, records.span_id, tree.id limit {LONGEST_TIMELINE}
) as longest
join above on longest.id = above.id join names on longest.name = names.code
"""

_WIDTHS: Final = " ".join(f"when ns < {16 << bit} then {1 << bit}" for bit in range(59))
"""Width of the bucket of a duration: eight to an octave, at least 1 ns."""

_BUCKETS: Final = f"""
select names.name, sums.upper_ns, sums.calls
from (
  select name, ns - ns % width + width - 1 as upper_ns, cast(sum(calls) as bigint) as calls
  from (
    select name, ns, calls, case {_WIDTHS} else {1 << 59} end as width
    from (
      select name, total_ns as ns, 1 as calls from weights where kind = 0
      union all
      select weights.name as name, buckets.ns as ns, buckets.calls as calls
      from buckets join weights on buckets.id = weights.id where weights.kind = 1
    ) as weighted
  ) as measured
  group by name, upper_ns
) as sums join names on sums.name = names.code
order by names.name, sums.upper_ns
"""
