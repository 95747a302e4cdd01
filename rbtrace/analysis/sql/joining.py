"""Joining records to the table `spans` in SQL: each span once, with its parent, without cycles.

The steps are those of `rbtrace.analysis.assembly`. Statements for what is rare (cycles, spans
without an end) run only if it occurs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import cut_cycles
from rbtrace.analysis.sql.engine import Engine, number
from rbtrace.analysis.table import Anomalies


def join_spans(engine: Engine) -> Anomalies:
    """Make the tables `spans`, `names`, `processes` and `runs`."""
    engine.make("dropped", _DROPPED)
    for table, query in _LABELS.items():
        engine.make(table, query)
    engine.make("spans", _SPANS)
    orphans, unfinished, negative, without_start, earlier, together = engine.ask(_COUNTS)[0]
    anomalies = Anomalies(
        duplicates=number(engine, "select count(*) from dropped"),
        orphans=orphans,
        unfinished=unfinished,
        negative=negative,
        without_start=without_start,
    )
    # On a cycle some span starts before its parent, or all start at the same time.
    if earlier or together:
        cut = _cut_cycles(engine, "parent <> 0" if earlier else "order_to_parent = 1")
        anomalies.cycles = cut
        anomalies.orphans += cut
    if unfinished:
        _end_unfinished(engine)
    return anomalies


def _cut_cycles(engine: Engine, suspects: str) -> int:
    """Make one span of every cycle a root; give their number.

    Args:
        engine: where the table `spans` is.
        suspects: condition on the spans of which cycles can be made.
    """
    engine.make("climb", "select id, parent as up from spans where " + suspects)
    for _ in range(number(engine, "select count(*) from climb").bit_length() + 1):
        engine.make("climb", _CLIMBED)
        if not number(engine, "select count(*) from climb"):
            return 0
    cycles = engine.ask(_ON_CYCLES)
    position = {row[0]: at for at, row in enumerate(cycles)}
    parent = np.array([position[row[1]] for row in cycles], np.int32)
    start = np.array([row[2] for row in cycles], np.int64)
    identity = np.array([row[3] for row in cycles], np.uint64)
    cut = cut_cycles(parent, np.arange(parent.size, dtype=np.int32), start, identity)
    roots = ", ".join(str(cycles[at][0]) for at in cut.tolist())
    engine.make("spans", _WITH_ROOTS.replace("ROOTS", roots))
    return int(cut.size)


def _end_unfinished(engine: Engine) -> None:
    """End unfinished spans at the latest time beneath them."""
    engine.make("beneath", "select id as origin, id as id from spans where unfinished")
    engine.make("last_seen", _LAST_SEEN)
    while True:
        engine.make("beneath", _FURTHER_BENEATH)
        if not number(engine, "select count(*) from beneath"):
            break
        engine.add("last_seen", _LAST_SEEN)
    engine.make("spans", _ENDED)


_DROPPED: Final = """
select id from (
  select record.id as id,
    row_number() over (
      partition by record.trace, record.span_id
      order by record.adopted, record.end_ns = 0, record.end_ns desc, record.start_ns,
        record.name, record.own_parent_id, record.id
    ) as ordinal
  from records as record join (
    select trace, span_id from records group by trace, span_id having count(*) > 1
  ) as copied on record.trace = copied.trace and record.span_id = copied.span_id
) as ranked where ordinal > 1
"""

_LABELS: Final = {
    "names": """
      select name, row_number() over (order by name) as code
      from (select distinct name from records) as texts
    """,
    "processes": """
      select process_key, host, pid, instance, service, row_number() over (order by first) as code
      from (
        select process_key, min(records.host) as host, min(records.pid) as pid,
          min(records.instance) as instance, min(records.service) as service, min(id) as first
        from records group by process_key
      ) as texts
    """,
    "runs": """
      select run_key, text, arm, pair, run_order, row_number() over (order by run_key) as code
      from (
        select run_key, min(case when run_id <> '' then run_id else trace_text end) as text,
          min(case when run_id <> '' then records.arm end) as arm,
          min(case when run_id <> '' then records.pair end) as pair,
          min(case when run_id <> '' then records.run_order end) as run_order
        from records group by run_key
      ) as texts
    """,
}

_SPANS: Final = """
select
  record.id as id,
  coalesce(above.id, 0) as parent,
  record.kind as kind,
  names.code as name,
  processes.code as process,
  runs.code as run,
  record.category as category,
  record.thread as thread,
  case when record.kind <> 1 and record.start_ns = 0 and record.end_ns > 100000000000000000
    then record.end_ns else record.start_ns end as start_ns,
  case when record.kind <> 1 and record.end_ns <> 0 and record.end_ns < record.start_ns
    then record.start_ns else record.end_ns end as end_ns,
  record.kind <> 1 and record.end_ns = 0 as unfinished,
  record.kind <> 1 and record.end_ns <> 0 and record.end_ns < record.start_ns as negative,
  record.kind <> 1 and record.start_ns = 0 and record.end_ns > 100000000000000000 as without_start,
  record.parent_id <> 0 and above.id is null as orphan,
  case when above.id is null or record.start_ns > above.start_ns then 0
    when record.start_ns = above.start_ns then 1 else 2 end as order_to_parent,
  record.adopted as adopted,
  coalesce(record.calls, 0) as calls,
  coalesce(record.total_ns, 0) as total_ns,
  coalesce(record.shortest_ns, 0) as shortest_ns,
  coalesce(record.longest_ns, 0) as longest_ns,
  coalesce(record.own_ns, 0) as own_ns,
  coalesce(record.last_end_ns, 0) as last_end_ns
from (select * from records where id not in (select id from dropped)) as record
left join (
  select id, trace, span_id, start_ns from records where id not in (select id from dropped)
) as above on record.link_trace = above.trace and record.parent_id = above.span_id
join names on names.name = record.name
join processes on processes.process_key = record.process_key
join runs on runs.run_key = record.run_key
"""

_COUNTS: Final = """
select count(*) filter (where orphan), count(*) filter (where unfinished),
  count(*) filter (where negative), count(*) filter (where without_start),
  count(*) filter (where order_to_parent = 2), count(*) filter (where order_to_parent = 1)
from spans
"""

_CLIMBED: Final = """
select low.id as id, high.up as up from climb as low join climb as high on low.up = high.id
"""

_ON_CYCLES: Final = """
select spans.id, spans.parent, records.start_ns, records.span_id
from spans join records on spans.id = records.id where spans.id in (select up from climb)
order by spans.id
"""

_WITH_ROOTS: Final = """
select * replace (case when id in (ROOTS) then 0 else parent end as parent) from spans
"""

_LAST_SEEN: Final = """
select beneath.origin as origin,
  max(case when spans.kind = 1 then spans.last_end_ns
    when spans.unfinished and spans.start_ns > 0 then spans.start_ns
    else spans.end_ns end) as ns
from beneath join spans on beneath.id = spans.id group by beneath.origin
"""

_FURTHER_BENEATH: Final = """
select beneath.origin as origin, low.id as id
from beneath
join spans as high on beneath.id = high.id
join spans as low on low.parent = high.id
where high.unfinished or high.kind <> 0
"""

_ENDED: Final = """
select spans.* replace (case when spans.unfinished then ends.ns else spans.end_ns end as end_ns)
from spans left join (select origin, max(ns) as ns from last_seen group by origin) as ends
on spans.id = ends.origin
"""
