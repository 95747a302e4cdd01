"""Self time in SQL, by the definition and in the steps of `rbtrace.analysis.self_time`.

Makes the table `weights`: what every span counts for in sums. Shifted clocks are set right on the
way, because that takes the same join of children and parents.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.processes import LONGEST_SHIFT_NS, least_shifts, named_shifts
from rbtrace.analysis.sql.engine import Engine, nearest, number


class SelfTimeCounts(NamedTuple):
    """Counts and clock shifts; see `rbtrace.analysis.self_time.SelfTimes` and `SpanTable`."""

    clipped: int
    overfull: int
    clock_shifts: dict[str, int]


def make_self_times(engine: Engine, processes: dict[int, Origin]) -> SelfTimeCounts:
    """Make the tables `tree`, `nested`, `covered` and `weights`.

    Args:
        engine: where the table `spans` is.
        processes: the processes, by code.
    """
    nearest(engine, "not_real", "kind <> 0")
    nearest(engine, "recorded", "kind in (1, 2)")
    engine.make("tree", _TREE)
    engine.make("nested", _NESTED)
    shifts = _settle_clocks(engine, processes)
    engine.make("covered", _COVERED)
    engine.make("in_summaries", _IN_SUMMARIES)
    engine.make("weights", _WEIGHTS)
    return SelfTimeCounts(number(engine, _CLIPPED), number(engine, _OVERFULL), shifts)


def _settle_clocks(engine: Engine, processes: dict[int, Origin]) -> dict[str, int]:
    demands = engine.ask(_DEMANDS.replace("LONGEST_SHIFT_NS", str(LONGEST_SHIFT_NS)))
    codes = sorted(processes)
    position = {code: at for at, code in enumerate(codes)}
    above = np.array([position[row[0]] for row in demands], np.int32)
    below = np.array([position[row[1]] for row in demands], np.int32)
    behind = np.array([row[2] for row in demands], np.int64)
    shifts = least_shifts(len(codes), above, below, behind)
    if not shifts.any():
        return {}
    moved = [(code, by) for code, by in zip(codes, shifts.tolist(), strict=True) if by]
    later = " ".join(f"when {code} then {by}" for code, by in moved)
    engine.make("tree", _SHIFTED.replace("SHIFT", f"case process {later} else 0 end"))
    engine.make("nested", _NESTED)
    return named_shifts([processes[code] for code in codes], shifts)


_TREE: Final = """
select spans.*, coalesce(real_up, spans.parent) as real_parent,
  coalesce(recorded_up, spans.parent) as enclosing
from spans
left join (select id as not_real_id, up as real_up from not_real) as above
  on spans.parent = above.not_real_id
left join (select id as recorded_id, up as recorded_up from recorded) as around
  on spans.parent = around.recorded_id
"""

SAME_THREAD: Final = """
  low.process = high.process
  and (low.thread = '' or high.thread = '' or low.thread = high.thread)
"""

# Every real span beside its nearest real ancestor; `parent` is 0 where there is none.
_NESTED: Final = f"""
select low.id as id, low.run as run, low.process as process,
  low.start_ns as start_ns, low.end_ns as end_ns,
  coalesce(high.id, 0) as parent,
  coalesce(high.process, low.process) as parent_process,
  coalesce(high.start_ns, low.start_ns) as parent_start_ns,
  coalesce(high.end_ns, low.end_ns) as parent_end_ns,
  high.id is not null and {SAME_THREAD} as same_thread,
  high.id is not null and low.run = high.run
    and low.start_ns >= high.start_ns and low.end_ns <= high.end_ns as inside
from (select * from tree where kind = 0) as low
left join tree as high on low.real_parent = high.id
"""

_DEMANDS: Final = """
select parent_process, process, max(parent_start_ns - start_ns)
from nested
where parent <> 0 and parent_process <> process
  and parent_start_ns - start_ns between -LONGEST_SHIFT_NS and LONGEST_SHIFT_NS
group by parent_process, process
"""

_SHIFTED: Final = """
select * replace (start_ns + SHIFT as start_ns, end_ns + SHIFT as end_ns) from tree
"""

_CLIPPED: Final = """
select count(*) from nested
where parent <> 0 and same_thread and (start_ns < parent_start_ns or end_ns > parent_end_ns)
"""

# What an interval adds to the union of those that begin before it is what reaches beyond them.
_COVERED: Final = """
select parent as id, cast(sum(greatest(high - greatest(low, reached), 0)) as bigint) as ns,
  max(case when reached > low then 1 else 0 end) = 1 as overlap
from (
  select parent, low, high, coalesce(
    max(high) over (
      partition by parent order by low rows between unbounded preceding and 1 preceding
    ), low
  ) as reached
  from (
    select parent, greatest(start_ns, parent_start_ns) as low, least(end_ns, parent_end_ns) as high
    from nested where parent <> 0
  ) as clipped
  where high > low
) as running
group by parent
"""

_IN_SUMMARIES: Final = f"""
select high.id as id, cast(sum(low.own_ns) as bigint) as ns
from (select * from tree where kind = 1) as low
join (select * from tree where kind = 0) as high on low.enclosing = high.id
where {SAME_THREAD}
group by high.id
"""

_WEIGHTS: Final = """
select tree.id as id, tree.parent as parent, tree.kind as kind, tree.name as name,
  tree.process as process, tree.run as run, tree.category as category,
  case when tree.kind = 0 then 1 else tree.calls end as calls,
  case when tree.kind = 0 then tree.end_ns - tree.start_ns else tree.total_ns end as total_ns,
  case when tree.kind = 0 then tree.end_ns - tree.start_ns else tree.shortest_ns end as shortest_ns,
  case when tree.kind = 0 then tree.end_ns - tree.start_ns else tree.longest_ns end as longest_ns,
  case when tree.kind = 0 then greatest(
      tree.end_ns - tree.start_ns - coalesce(covered.ns, 0) - coalesce(in_summaries.ns, 0), 0
    ) else tree.own_ns end as self_ns,
  coalesce(in_summaries.ns, 0) > tree.end_ns - tree.start_ns - coalesce(covered.ns, 0) as overfull
from tree
left join covered on covered.id = tree.id
left join in_summaries on in_summaries.id = tree.id
"""

_OVERFULL: Final = "select count(*) from weights where kind = 0 and overfull"
