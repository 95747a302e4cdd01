"""Breakdowns in SQL: operations, kinds of work, processes and runs, from the table `spent`.

The database sums; the rows that come back are one per operation, process or run, and become the
rows of `rbtrace.analysis` here, by the code of its analyses where there is something to decide.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from rbtrace.analysis.categories import (
    CategoryTime,
    ProcessTime,
    category_rows,
    process_rows,
)
from rbtrace.analysis.facts import Origin
from rbtrace.analysis.operations import Operation, largest_category
from rbtrace.analysis.quantiles import EXACT, HISTOGRAM
from rbtrace.analysis.runs import Run
from rbtrace.analysis.shares import share
from rbtrace.analysis.sql.engine import Engine


def operations(engine: Engine) -> list[Operation]:
    """All operations, the greatest self time first, then by name; shares without intervals."""
    spent = engine.ask(_OPERATIONS)
    everything = sum(row[3] for row in spent)
    by_category: dict[str, dict[str, int]] = defaultdict(dict)
    for name, category, self_ns in engine.ask(_BY_CATEGORY):
        by_category[name][category] = self_ns
    quantiles = {name: found for name, *found in engine.ask(_QUANTILES)}
    rows = []
    for name, calls, total_ns, self_ns, shortest, longest in spent:
        p50, p95, p99, approximate = quantiles.get(name, (0, 0, 0, False))
        rows.append(
            Operation(
                name=name,
                category=largest_category(by_category[name]),
                calls=calls,
                total_ns=total_ns,
                self_ns=self_ns,
                share=share(self_ns, everything),
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


def runs(engine: Engine) -> list[Run]:
    """All runs, by id."""
    found = [
        Run(run_id, arm, wall_ns, pair, order)
        for run_id, arm, pair, order, wall_ns in engine.ask(_RUNS)
    ]
    return sorted(found, key=lambda run: run.run_id)


def self_by_run(engine: Engine) -> list[dict[str, int]]:
    """Self time of each operation in each run, ns, as of `rbtrace.analysis.by_run`."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for run, name, self_ns in engine.ask(_SELF_BY_RUN):
        found[run][name] = self_ns
    return list(found.values())


def largest_calls(engine: Engine) -> dict[str, int]:
    """The longest time, by operation, that one call spent in itself: at most, for summaries."""
    return dict(engine.ask(_LARGEST))


_OPERATIONS: Final = """
select names.name, sums.calls, sums.total_ns, sums.self_ns, sums.shortest_ns, sums.longest_ns
from (
  select name, cast(sum(calls) as bigint) as calls, cast(sum(total_ns) as bigint) as total_ns,
    cast(sum(self_ns) as bigint) as self_ns, min(shortest_ns) as shortest_ns,
    max(longest_ns) as longest_ns
  from spent where kind < 2 group by name
) as sums join names on sums.name = names.code
"""

_BY_CATEGORY: Final = """
select names.name, sums.category, sums.self_ns
from (
  select name, category, cast(sum(case when kind < 2 then self_ns else 0 end) as bigint) as self_ns
  from spent group by name, category
) as sums join names on sums.name = names.code
"""

# A value is at the rank of a quantile or beyond if so many calls took no longer.
_QUANTILES: Final = """
select names.name, ranks.p50, ranks.p95, ranks.p99, ranks.approximate
from (
  select name,
    min(case when reached * 1000 >= everything * 500 then ns else 9223372036854775807 end) as p50,
    min(case when reached * 1000 >= everything * 950 then ns else 9223372036854775807 end) as p95,
    min(case when reached * 1000 >= everything * 990 then ns else 9223372036854775807 end) as p99,
    max(bucket) as approximate
  from (
    select name, ns, bucket,
      sum(calls) over (partition by name order by ns rows unbounded preceding) as reached,
      sum(calls) over (partition by name) as everything
    from (
      select name, total_ns as ns, 1 as calls, 0 as bucket from spent where kind = 0
      union all
      select spent.name as name, buckets.ns as ns, buckets.calls as calls, 1 as bucket
      from buckets join spent on buckets.id = spent.id where spent.kind = 1
    ) as weighted
  ) as running
  group by name
) as ranks join names on ranks.name = names.code
"""

_CATEGORIES: Final = """
select category, cast(sum(self_ns) as bigint) from spent where kind < 2 group by category
"""

_PROCESSES: Final = """
select process, cast(sum(calls) as bigint), cast(sum(self_ns) as bigint)
from spent where kind < 2 group by process order by process
"""

_RUNS: Final = """
select runs.text, runs.arm, runs.pair, runs.place, coalesce(walls.ns, 0)
from runs join (select distinct run from spent) as present on runs.code = present.run
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
  from spent where kind < 2 group by run, name
) as sums join names on sums.name = names.code
"""

_LARGEST: Final = """
select names.name, sums.longest_ns
from (
  select name, max(case when kind = 0 then self_ns else least(longest_ns, self_ns) end)
    as longest_ns
  from spent where kind < 2 group by name
) as sums join names on sums.name = names.code
"""
