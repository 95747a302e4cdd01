"""Breakdowns in SQL: operations, kinds of work, processes, runs and call paths, from `weights`.

The database sums, and answers one row per operation, process or run. These become the rows of
`rbtrace.analysis`, by the code of its analyses where there is something to decide.

Call paths are built level by level, as in memory. A level costs a join with all spans, so a trace
is as many joins as it is deep, and no more than `DEEPEST`: what lies below is found by doubling
pointers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from rbtrace.analysis.arrays import EXACT, HISTOGRAM, share
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.breakdowns import (
    DEEPER,
    DEEPEST,
    CallPathTime,
    CategoryTime,
    OperationTime,
    ProcessTime,
    call_path_rows,
    category_rows,
    largest_category,
    process_rows,
)
from rbtrace.analysis.runs import TracedRun
from rbtrace.analysis.sql.engine import Engine, double, nearest, number


def operations(engine: Engine) -> list[OperationTime]:
    """All operations, the greatest self time first, then by name; shares without intervals."""
    sums = engine.ask(_OPERATIONS)
    total_self_ns = sum(row[3] for row in sums)
    by_category: dict[str, dict[str, int]] = defaultdict(dict)
    for name, category, self_ns in engine.ask(_BY_CATEGORY):
        by_category[name][category] = self_ns
    quantiles = {name: figures for name, *figures in engine.ask(_QUANTILES)}
    rows = []
    for name, calls, total_ns, self_ns, shortest, longest in sums:
        p50, p95, p99, approximate = quantiles.get(name, (0, 0, 0, False))
        rows.append(
            OperationTime(
                name=name,
                category=largest_category(by_category[name]),
                calls=calls,
                total_ns=total_ns,
                self_ns=self_ns,
                share=share(self_ns, total_self_ns),
                share_ci=None,
                mean_ns=total_ns / max(1, calls),
                p50_ns=p50,
                p95_ns=p95,
                p99_ns=p99,
                min_ns=shortest,
                max_ns=longest,
                quantile_method=HISTOGRAM if approximate else EXACT,
            )
        )
    return sorted(rows, key=lambda row: (-row.self_ns, row.name))


def categories(engine: Engine) -> list[CategoryTime]:
    """Self time of every category that occurs, greatest first."""
    return category_rows(dict(engine.ask(_CATEGORIES)))


def process_times(engine: Engine, processes: dict[int, Origin]) -> list[ProcessTime]:
    """Calls and self time of every process, greatest self time first."""
    rows = engine.ask(_PROCESSES)
    return process_rows([(processes[code], calls, self_ns) for code, calls, self_ns in rows])


def runs(engine: Engine) -> list[TracedRun]:
    """All runs, by id."""
    rows = [
        TracedRun(run_id, arm, wall_ns, pair, order)
        for run_id, arm, pair, order, wall_ns in engine.ask(_RUNS)
    ]
    return sorted(rows, key=lambda run: run.run_id)


def self_by_run(engine: Engine) -> list[dict[str, int]]:
    """Self time of each operation in each run, ns, as of `rbtrace.analysis.runs`."""
    by_run: dict[int, dict[str, int]] = defaultdict(dict)
    for run, name, self_ns in engine.ask(_SELF_BY_RUN):
        by_run[run][name] = self_ns
    return list(by_run.values())


def largest_calls(engine: Engine) -> dict[str, int]:
    """The longest time, by operation, that one call spent in itself: at most, for summaries."""
    return dict(engine.ask(_LARGEST))


_OPERATIONS: Final = """
select names.name, sums.calls, sums.total_ns, sums.self_ns, sums.shortest_ns, sums.longest_ns
from (
  select name, cast(sum(calls) as bigint) as calls, cast(sum(total_ns) as bigint) as total_ns,
    cast(sum(self_ns) as bigint) as self_ns, min(shortest_ns) as shortest_ns,
    max(longest_ns) as longest_ns
  from weights where kind < 2 group by name
) as sums join names on sums.name = names.code
"""

_BY_CATEGORY: Final = """
select names.name, sums.category, sums.self_ns
from (
  select name, category, cast(sum(case when kind < 2 then self_ns else 0 end) as bigint) as self_ns
  from weights group by name, category
) as sums join names on sums.name = names.code
"""

# A value is at the rank of a quantile or beyond if so many calls took no longer.
_QUANTILES: Final = """
select names.name, ranks.p50, ranks.p95, ranks.p99, ranks.approximate
from (
  select name,
    min(case when reached * 1000 >= all_calls * 500 then ns else 9223372036854775807 end) as p50,
    min(case when reached * 1000 >= all_calls * 950 then ns else 9223372036854775807 end) as p95,
    min(case when reached * 1000 >= all_calls * 990 then ns else 9223372036854775807 end) as p99,
    max(bucket) as approximate
  from (
    select name, ns, bucket,
      sum(calls) over (partition by name order by ns rows unbounded preceding) as reached,
      sum(calls) over (partition by name) as all_calls
    from (
      select name, total_ns as ns, 1 as calls, 0 as bucket from weights where kind = 0
      union all
      select weights.name as name, buckets.ns as ns, buckets.calls as calls, 1 as bucket
      from buckets join weights on buckets.id = weights.id where weights.kind = 1
    ) as weighted
  ) as running
  group by name
) as ranks join names on ranks.name = names.code
"""

_CATEGORIES: Final = """
select category, cast(sum(self_ns) as bigint) from weights where kind < 2 group by category
"""

_PROCESSES: Final = """
select process, cast(sum(calls) as bigint), cast(sum(self_ns) as bigint)
from weights where kind < 2 group by process order by process
"""

_RUNS: Final = """
select runs.text, runs.arm, runs.pair, runs.run_order, coalesce(walls.ns, 0)
from runs join (select distinct run from weights) as present on runs.code = present.run
left join (
  select run, cast(sum(greatest(end_ns - greatest(start_ns, reached), 0)) as bigint) as ns
  from (
    select run, start_ns, end_ns, coalesce(
      max(end_ns) over (
        partition by run order by start_ns rows between unbounded preceding and 1 preceding
      ), start_ns
    ) as reached
    from nested where not inside
  ) as running
  group by run
) as walls on walls.run = runs.code
"""

_SELF_BY_RUN: Final = """
select sums.run, names.name, sums.self_ns
from (
  select run, name, cast(sum(self_ns) as bigint) as self_ns
  from weights where kind < 2 group by run, name
) as sums join names on sums.name = names.code
"""

_LARGEST: Final = """
select names.name, sums.longest_ns
from (
  select name, max(case when kind = 0 then self_ns else least(longest_ns, self_ns) end)
    as longest_ns
  from weights where kind < 2 group by name
) as sums join names on sums.name = names.code
"""


_DEEPER_CODE: Final = 0
"""Names have codes from 1 on."""


def call_paths(engine: Engine) -> list[CallPathTime]:
    """All call paths, from the tables `spans` and `weights`."""
    nearest(engine, "exemplars", "kind = 2")
    engine.make("callees", _CALLEES)
    engine.make("beneath", _ROOTS)
    texts = {_DEEPER_CODE: DEEPER, **dict(engine.ask("select code, name from names"))}
    parents: list[int] = []
    names: list[str] = []
    sums: list[tuple[int, int, int]] = []
    for level in range(DEEPEST + 1):
        if not number(engine, "select count(*) from beneath"):
            break
        if level == DEEPEST:
            _merge_below_deepest(engine)
        engine.make("nodes", _NODES.replace("MADE", str(len(parents))))
        for above, name, *figures in engine.ask(_NEW_NODES):
            parents.append(above)
            names.append(texts[name])
            sums.append((figures[0], figures[1], figures[2]))
        engine.make("reached", _REACHED)
        engine.make("beneath", _BENEATH)
    calls, totals, selfs = ([figures[at] for figures in sums] for at in range(3))
    return call_path_rows(parents, names, calls, totals, selfs)


def _merge_below_deepest(engine: Engine) -> None:
    """Make the spans of the deepest level, and all beneath them, one node for each path."""
    engine.make("climb", _CLIMB)
    double(engine, "climb")
    engine.make("beneath", _MERGED)


_CALLEES: Final = """
select weights.id as id, coalesce(exemplars.up, weights.parent) as caller, weights.name as name,
  case when weights.kind < 2 then weights.calls else 0 end as calls,
  case when weights.kind < 2 then weights.total_ns else 0 end as total_ns,
  case when weights.kind < 2 then weights.self_ns else 0 end as self_ns
from weights left join exemplars on weights.parent = exemplars.id
where weights.kind <> 2
"""

_ROOTS: Final = """
select id, cast(-1 as bigint) as above, name, calls, total_ns, self_ns from callees where caller = 0
"""

_NODES: Final = """
select above, name, calls, total_ns, self_ns,
  MADE + row_number() over (order by above, name) - 1 as node
from (
  select above, name, cast(sum(beneath.calls) as bigint) as calls,
    cast(sum(beneath.total_ns) as bigint) as total_ns,
    cast(sum(beneath.self_ns) as bigint) as self_ns
  from beneath group by above, name
) as sums
"""

_NEW_NODES: Final = "select above, name, calls, total_ns, self_ns from nodes order by node"

_REACHED: Final = """
select beneath.id as id, nodes.node as node
from beneath join nodes on beneath.above = nodes.above and beneath.name = nodes.name
"""

_BENEATH: Final = """
select callees.id as id, cast(reached.node as bigint) as above, callees.name as name,
  callees.calls as calls, callees.total_ns as total_ns, callees.self_ns as self_ns
from callees join reached on callees.caller = reached.id
"""

_CLIMB: Final = """
select id, caller as up from callees where caller <> 0 and id not in (select id from beneath)
"""

_MERGED: Final = """
select callees.id as id, beneath.above as above, 0 as name,
  callees.calls as calls, callees.total_ns as total_ns, callees.self_ns as self_ns
from callees
left join climb on callees.id = climb.id
join beneath on beneath.id = coalesce(climb.up, callees.id)
"""
