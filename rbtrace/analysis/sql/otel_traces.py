"""The collector's table `otel_traces` in ClickHouse, converted to the columns of `engine`.

Times and durations are exact. So are missing ends and ends before the start: durations are
unsigned, and wrap around. Attributes are texts; lists among them are JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rbtrace import conventions as key
from rbtrace.analysis.attributes import EXEMPLAR, REAL, SUMMARY
from rbtrace.analysis.sql.engine import IMPLICIT


def text(value: str) -> str:
    """A text, quoted for a statement."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(value: str) -> str:
    """A name, quoted for a statement."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"


def conditions(run: str | None, since_ns: int | None, table: str) -> str:
    """The condition on the rows to analyze; of a run, its complete traces.

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


def records(table: str, where: str) -> str:
    """The query that gives the table `records`; see `rbtrace.analysis.sql.engine`."""
    return _RECORDS.replace("TABLE", table).replace("WHERE", where)


def _origin(name: str) -> str:
    """A field of the origin of a span: its own attribute, otherwise that of its resource."""
    quoted = text(name)
    return (
        f"if(mapContains(SpanAttributes, {text(key.RUN_ID)}) "
        f"and mapContains(SpanAttributes, {quoted}), "
        f"SpanAttributes[{quoted}], ResourceAttributes[{quoted}])"
    )


def _own(name: str) -> str:
    return f"SpanAttributes[{text(name)}]"


def _figure(name: str, otherwise: str) -> str:
    """A figure of a summary, or a default if it is missing."""
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
    ("raw_start_ns", "toUnixTimestamp64Nano(Timestamp)"),
    ("raw_end_ns", "reinterpretAsInt64(reinterpretAsUInt64(raw_start_ns) + Duration)"),
    ("raw_name", "toString(SpanName)"),
    ("raw_kind", (f"multiIf({_own(key.IS_SUMMARY)} = 'true', {SUMMARY}, "
              f"{_own(key.EXEMPLAR)} = 'true', {EXEMPLAR}, {REAL})")),
    ("raw_category", _own(key.CATEGORY)),
    ("raw_thread", _own(key.THREAD_ID)),
    ("raw_host", _origin(key.HOST_NAME)),
    ("raw_pid", f"toInt64OrNull({_origin(key.PROCESS_PID)})"),
    ("raw_instance", _origin(key.SERVICE_INSTANCE_ID)),
    ("raw_service", _origin(key.SERVICE_NAME)),
    ("raw_run_id", _origin(key.RUN_ID)),
    ("raw_arm", f"nullIf({_origin(key.ARM)}, '')"),
    ("raw_pair", f"toInt64OrNull({_origin(key.PAIR)})"),
    ("raw_order", f"toInt64OrNull({_origin(key.ORDER)})"),
    ("raw_trial", f"toInt64OrNull({_own(key.TRIAL_NUMBER)})"),
    ("raw_score", f"toFloat64OrNull({_own(key.TRIAL_SCORE)})"),
    ("raw_cpu_ns", f"toInt64OrNull({_own(key.CPU_NS)})"),
    ("raw_runqueue_ns", f"toInt64OrNull({_own(key.RUNQUEUE_NS)})"),
    ("raw_workers", f"toInt64OrNull({_own(key.WORKERS)})"),
    ("raw_spans_ended", f"toInt64OrNull({_own(key.SPANS_ENDED)})"),
    ("raw_calls", _figure(key.SPAN_COUNT, "1")),
    ("raw_total_ns", _figure(key.DURATION_TOTAL, "0")),
    ("raw_mean_ns", "intDiv(raw_total_ns, greatest(raw_calls, 1))"),
    ("raw_shortest_ns", _figure(key.DURATION_MIN, "raw_mean_ns")),
    ("raw_longest_ns", _figure(key.DURATION_MAX, "raw_mean_ns")),
    ("raw_self_ns", _figure(key.SELF_NS, "raw_total_ns")),
    ("raw_last_end_ns", _figure(key.LAST_END_NS, "0")),
    ("raw_bounds", f"JSONExtract({_own(key.HISTOGRAM_BOUNDS)}, 'Array(Float64)')"),
    ("raw_counts", f"JSONExtract({_own(key.HISTOGRAM_COUNTS)}, 'Array(Int64)')"),
))  # fmt: skip

_SUMMARIES_ONLY: Final = (
    ("calls", "raw_calls"),
    ("total_ns", "raw_total_ns"),
    ("shortest_ns", "raw_shortest_ns"),
    ("longest_ns", "raw_longest_ns"),
    ("own_ns", "raw_self_ns"),
    ("last_end_ns", "raw_last_end_ns"),
)

_SETTLED: Final = _columns((
    ("id", "toInt64(rowNumberInAllBlocks() + 1)"),
    ("trace", "trace"),
    ("trace_text", "trace"),
    ("span_id", "span"),
    ("link_trace", "if(link > 0, linked_trace, trace)"),
    ("parent_id", "if(link > 0, linked_span, parent)"),
    ("own_parent_id", "parent"),
    ("kind", (f"if(raw_kind = {REAL} and (raw_name = {text(key.UNATTACHED)} "
              f"or raw_name = {text(key.THREAD)} and raw_category = '' and raw_run_id <> ''), "
              f"{IMPLICIT}, raw_kind)")),
    ("name", "raw_name"),
    ("category", "raw_category"),
    ("thread", "raw_thread"),
    ("start_ns", "raw_start_ns"),
    ("end_ns", "raw_end_ns"),
    ("adopted", "false"),
    ("process_key", ("concat(raw_host, '\\x1f', coalesce(toString(raw_pid), ''), '\\x1f', "
                     "raw_instance, '\\x1f', raw_service)")),
    ("run_key", "if(raw_run_id <> '', concat('run ', raw_run_id), concat('trace ', trace))"),
    ("host", "raw_host"),
    ("pid", "raw_pid"),
    ("instance", "raw_instance"),
    ("service", "raw_service"),
    ("run_id", "raw_run_id"),
    ("arm", "raw_arm"),
    ("pair", "raw_pair"),
    ("run_order", "raw_order"),
    ("trial", "raw_trial"),
    ("score", "raw_score"),
    ("cpu_ns", "raw_cpu_ns"),
    ("runqueue_ns", "raw_runqueue_ns"),
    ("workers", "raw_workers"),
    ("spans_ended", "raw_spans_ended"),
    *((name, f"if(raw_kind = {SUMMARY}, {value}, null)") for name, value in _SUMMARIES_ONLY),
    ("bounds", f"if(raw_kind = {SUMMARY}, raw_bounds, [])"),
    ("counts", f"if(raw_kind = {SUMMARY}, raw_counts, [])"),
))  # fmt: skip

_RECORDS: Final = f"""
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
      toFloat64(greatest(if(ordinal = 1, 0, previous + 1), shortest_ns)) as low,
      toFloat64(least(edge, longest_ns)) as high,
      if(low + high > 0, 2 * low * (high / (low + high)), 0) as harmonic
    from (
      select id, assumeNotNull(shortest_ns) as shortest_ns, assumeNotNull(longest_ns) as longest_ns,
        length(bounds) + 1 = length(counts) and length(bounds) > 0 as has_bounds,
        if(has_bounds, bounds, [toFloat64(assumeNotNull(total_ns)) / 1e9
          / greatest(assumeNotNull(calls), 1)]) as uppers,
        if(has_bounds, counts, [assumeNotNull(calls), assumeNotNull(calls)]) as cumulative,
        arrayMap(bound -> toInt64(roundBankers(greatest(least(bound, 4e9), 0) * 1e9)),
          arrayPushBack(uppers, 4e9)) as edges
      from records where calls is not null
    ) as histograms
    array join edges as edge, arrayPopBack(arrayPushFront(edges, 0)) as previous,
      cumulative as reached, arrayPopBack(arrayPushFront(cumulative, 0)) as before,
      arrayEnumerate(edges) as ordinal
  ) as numbered
) as histogram_buckets
where bucket_calls > 0
"""

UNUSABLE: Final = "select count(*) from TABLE where (TraceId = '' or SpanId = '') and WHERE"
ATTRIBUTES_TYPE: Final = "select any(toTypeName(SpanAttributes)) from TABLE"
