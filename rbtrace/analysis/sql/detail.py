"""Details of a full report in SQL, as `rbtrace.analysis.detail` makes them."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Final

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.detail import (
    LONGEST_TIMELINE,
    DurationHistogram,
    TimelineSpan,
    in_timeline_order,
)
from rbtrace.analysis.sql.engine import Engine, number


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


# How many real spans are above each: of the pointers, by doubling.
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
    tree.end_ns as end_ns, found.span_id as span_id
  from (select id from spent where kind = 0) as counted
  join tree on counted.id = tree.id join found on counted.id = found.id
  order by tree.end_ns - tree.start_ns desc, found.span_id, tree.id limit {LONGEST_TIMELINE}
) as longest
join above on longest.id = above.id join names on longest.name = names.code
"""

_WIDTHS: Final = " ".join(f"when ns < {16 << bit} then {1 << bit}" for bit in range(59))
"""How wide the bucket of a duration is: there are eight to an octave, but none for a fraction."""

_BUCKETS: Final = f"""
select names.name, sums.upper_ns, sums.calls
from (
  select name, ns - ns % width + width - 1 as upper_ns, cast(sum(calls) as bigint) as calls
  from (
    select name, ns, calls, case {_WIDTHS} else {1 << 59} end as width
    from (
      select name, total_ns as ns, 1 as calls from spent where kind = 0
      union all
      select spent.name as name, buckets.ns as ns, buckets.calls as calls
      from buckets join spent on buckets.id = spent.id where spent.kind = 1
    ) as weighted
  ) as measured
  group by name, upper_ns
) as sums join names on sums.name = names.code
order by names.name, sums.upper_ns
"""
