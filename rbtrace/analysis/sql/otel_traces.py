"""The collector's table `otel_traces` in ClickHouse, converted to the columns of `engine`.

Times and durations are exact there. A missing or early end is, too: durations are unsigned, so an
end that lies before its start is a duration that wraps around. Attributes are texts; lists among
them are JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace import conventions as key
from rbtrace.analysis.attributes import EXEMPLAR, REAL, SUMMARY
from rbtrace.analysis.sql.engine import IMPLICIT


def text(value: str) -> str:
    """A text as ClickHouse reads it in a statement."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(value: str) -> str:
    """A name as ClickHouse reads it in a statement."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


def conditions(run: str | None, since_ns: int | None, table: str) -> str:
    """Which rows of the table to analyze; whole traces of a run.

    Args:
        run: the run whose traces to analyze, None for all.
        since_ns: epoch ns of the earliest start, None for all.
        table: the table, as in a statement.
    """
    parts = []
    if since_ns is not None:
        parts.append(f"Timestamp >= fromUnixTimestamp64Nano(toInt64({since_ns}))")
    if run is not None:
        named = " or ".join(
            f"{attributes}[{text(key.RUN_ID)}] = {text(run)}"
            for attributes in ("ResourceAttributes", "SpanAttributes")
        )
        parts.append(f"TraceId in (select TraceId from {table} where {named})")
    return " and ".join(parts) or "1"


def found(table: str, where: str) -> str:
    """The query that gives the table `found`; see `rbtrace.analysis.sql.engine`."""
    return _FOUND.replace("TABLE", table).replace("WHERE", where)


def _origin(name: str) -> str:
    """Where a span is from: what is set on it goes before what its resource says."""
    quoted = text(name)
    return (
        f"if(mapContains(SpanAttributes, {text(key.RUN_ID)}) "
        f"and mapContains(SpanAttributes, {quoted}), "
        f"SpanAttributes[{quoted}], ResourceAttributes[{quoted}])"
    )


def _own(name: str) -> str:
    return f"SpanAttributes[{text(name)}]"


def _figure(name: str, otherwise: str) -> str:
    """A figure of a summary, or what stands for it where it is missing."""
    return f"greatest(coalesce(toInt64OrNull({_own(name)}), {otherwise}), 0)"


def _columns(columns: Sequence[tuple[str, str]]) -> str:
    return ",\n  ".join(f"{expression} as {name}" for name, expression in columns)


_RAW: Final = _columns((
    ("trace", "TraceId"),
    ("span", "reinterpretAsUInt64(reverse(unhex(SpanId)))"),
    ("parent", "reinterpretAsUInt64(reverse(unhex(ParentSpanId)))"),
    ("link", f"arrayFirstIndex(a -> a[{text(key.LINK)}] = 'parent', Links.Attributes)"),
    ("linked_trace", "Links.TraceId[link]"),
    ("linked_span", "reinterpretAsUInt64(reverse(unhex(Links.SpanId[link])))"),
    ("begin_ns", "toUnixTimestamp64Nano(Timestamp)"),
    ("finish_ns", "reinterpretAsInt64(reinterpretAsUInt64(begin_ns) + Duration)"),
    ("label", "toString(SpanName)"),
    ("sort", (f"multiIf({_own(key.IS_SUMMARY)} = 'true', {SUMMARY}, "
              f"{_own(key.EXEMPLAR)} = 'true', {EXEMPLAR}, {REAL})")),
    ("kind_of_work", _own(key.CATEGORY)),
    ("in_thread", _own(key.THREAD_ID)),
    ("on_host", _origin(key.HOST_NAME)),
    ("on_pid", f"toInt64OrNull({_origin(key.PROCESS_PID)})"),
    ("of_instance", _origin(key.SERVICE_INSTANCE_ID)),
    ("of_service", _origin(key.SERVICE_NAME)),
    ("of_run", _origin(key.RUN_ID)),
    ("of_arm", f"nullIf({_origin(key.ARM)}, '')"),
    ("of_pair", f"toInt64OrNull({_origin(key.PAIR)})"),
    ("of_order", f"toInt64OrNull({_origin(key.ORDER)})"),
    ("of_trial", f"toInt64OrNull({_own(key.TRIAL_NUMBER)})"),
    ("scored", f"toFloat64OrNull({_own(key.TRIAL_SCORE)})"),
    ("on_cpu_ns", f"toInt64OrNull({_own(key.CPU_NS)})"),
    ("in_queue_ns", f"toInt64OrNull({_own(key.RUNQUEUE_NS)})"),
    ("with_workers", f"toInt64OrNull({_own(key.WORKERS)})"),
    ("said", f"toInt64OrNull({_own(key.SPANS_ENDED)})"),
    ("many", _figure(key.SPAN_COUNT, "1")),
    ("sum_ns", _figure(key.DURATION_TOTAL, "0")),
    ("mean_ns", "intDiv(sum_ns, greatest(many, 1))"),
    ("least_ns", _figure(key.DURATION_MIN, "mean_ns")),
    ("most_ns", _figure(key.DURATION_MAX, "mean_ns")),
    ("alone_ns", _figure(key.SELF_NS, "sum_ns")),
    ("latest_ns", _figure(key.LAST_END_NS, "0")),
    ("upper", f"JSONExtract({_own(key.HISTOGRAM_BOUNDS)}, 'Array(Float64)')"),
    ("counted", f"JSONExtract({_own(key.HISTOGRAM_COUNTS)}, 'Array(Int64)')"),
))  # fmt: skip

_SUMMARIES_ONLY: Final = (
    ("calls", "many"),
    ("total_ns", "sum_ns"),
    ("shortest_ns", "least_ns"),
    ("longest_ns", "most_ns"),
    ("own_ns", "alone_ns"),
    ("last_end_ns", "latest_ns"),
)

_SETTLED: Final = _columns((
    ("id", "toInt64(rowNumberInAllBlocks() + 1)"),
    ("trace", "trace"),
    ("trace_text", "trace"),
    ("span_id", "span"),
    ("link_trace", "if(link > 0, linked_trace, trace)"),
    ("parent_id", "if(link > 0, linked_span, parent)"),
    ("own_parent_id", "parent"),
    ("kind", (f"if(sort = {REAL} and (label = {text(key.UNATTACHED)} or label = {text(key.THREAD)} "
              f"and kind_of_work = '' and of_run <> ''), {IMPLICIT}, sort)")),
    ("name", "label"),
    ("category", "kind_of_work"),
    ("thread", "in_thread"),
    ("start_ns", "begin_ns"),
    ("end_ns", "finish_ns"),
    ("adopted", "false"),
    ("process_key", ("concat(on_host, '\\x1f', coalesce(toString(on_pid), ''), '\\x1f', "
                     "of_instance, '\\x1f', of_service)")),
    ("run_key", "if(of_run <> '', concat('run ', of_run), concat('trace ', trace))"),
    ("host", "on_host"),
    ("pid", "on_pid"),
    ("instance", "of_instance"),
    ("service", "of_service"),
    ("run_id", "of_run"),
    ("arm", "of_arm"),
    ("pair", "of_pair"),
    ("place", "of_order"),
    ("trial", "of_trial"),
    ("score", "scored"),
    ("cpu_ns", "on_cpu_ns"),
    ("runqueue_ns", "in_queue_ns"),
    ("workers", "with_workers"),
    ("spans_ended", "said"),
    *((name, f"if(sort = {SUMMARY}, {value}, null)") for name, value in _SUMMARIES_ONLY),
    ("bounds", f"if(sort = {SUMMARY}, upper, [])"),
    ("counts", f"if(sort = {SUMMARY}, counted, [])"),
))  # fmt: skip

_FOUND: Final = f"""
select {_SETTLED}
from (
  select {_RAW}
  from TABLE where TraceId <> '' and SpanId <> '' and WHERE
) as raw
"""

# As `rbtrace.analysis.table.buckets_of`, in the same steps on the same numbers.
BUCKETS: Final = """
select id, toInt64(least(greatest(middle, low_ns), high_ns)) as ns, bucket_calls as calls
from (
  select id, low_ns, high_ns, bucket_calls,
    if(has_bounds, roundBankers(harmonic), toFloat64(edge)) as middle
  from (
    select id, toFloat64(shortest_ns) as low_ns, has_bounds, edge,
      toFloat64(greatest(shortest_ns, longest_ns)) as high_ns, reached - before as bucket_calls,
      toFloat64(greatest(if(place = 1, 0, previous + 1), shortest_ns)) as low,
      toFloat64(least(edge, longest_ns)) as high,
      if(low + high > 0, 2 * low * (high / (low + high)), 0) as harmonic
    from (
      select id, assumeNotNull(shortest_ns) as shortest_ns, assumeNotNull(longest_ns) as longest_ns,
        length(bounds) + 1 = length(counts) and length(bounds) > 0 as has_bounds,
        if(has_bounds, bounds, [toFloat64(assumeNotNull(total_ns)) / 1e9
          / greatest(assumeNotNull(calls), 1)]) as uppers,
        if(has_bounds, counts, [assumeNotNull(calls), assumeNotNull(calls)]) as cumulative,
        arrayMap(one -> toInt64(roundBankers(greatest(least(one, 4e9), 0) * 1e9)),
          arrayPushBack(uppers, 4e9)) as edges
      from found where calls is not null
    ) as histograms
    array join edges as edge, arrayPopBack(arrayPushFront(edges, 0)) as previous,
      cumulative as reached, arrayPopBack(arrayPushFront(cumulative, 0)) as before,
      arrayEnumerate(edges) as place
  ) as placed
) as found_buckets
where bucket_calls > 0
"""

UNUSABLE: Final = "select count(*) from TABLE where (TraceId = '' or SpanId = '') and WHERE"
ATTRIBUTES_TYPE: Final = "select any(toTypeName(SpanAttributes)) from TABLE"
