"""Critical paths in SQL, in the steps of `rbtrace.analysis.critical_path`.

Which spans are on the path if their parents are is decided for all spans at once; which of them are
connected to a root, by doubling pointers. The database sums; only gaps that are shared with
summaries are divided here, some at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from rbtrace.analysis.arrays import Ints, apportion, starts_of_runs
from rbtrace.analysis.attributes import Origin
from rbtrace.analysis.critical_path import (
    CriticalRoots,
    CriticalSums,
    CriticalTime,
    OperationKinds,
    critical_path_rows,
    sum_by_root_and_kind,
)
from rbtrace.analysis.sql.engine import Engine, number
from rbtrace.analysis.sql.self_time import SAME_THREAD


def _find_paths(engine: Engine) -> None:
    """Make `windows`: real spans, clipped; and `climb`: those on critical paths, with their root.

    Args:
        engine: where the tables are that `make_self_times` made.
    """
    _clip(engine)
    _take(engine)
    _climb(engine)


def _clip(engine: Engine) -> None:
    """Make `windows`: real spans, clipped to all their ancestors."""
    engine.make("windows", _WINDOWS)
    if not number(engine, _BEYOND):
        return
    while number(engine, "select count(*) from windows where up <> 0"):
        engine.make("windows", _CLIPPED)


def _take(engine: Engine) -> None:
    """Make `climb`: spans that are on the path if their parent is; roots point to themselves."""
    engine.make("siblings", _SIBLINGS)
    engine.make("jump", _FOLLOWING)
    engine.make("reached", "select parent, max(ordinal) as ordinal from siblings group by parent")
    while number(engine, "select count(*) from jump"):
        engine.add("reached", _AHEAD)
        engine.make("jump", _JUMPED)
    engine.make("climb", _TAKEN)


def _climb(engine: Engine) -> None:
    """Let each span in `climb` point to its root, and leave out those that reach none."""
    while number(engine, _UNSETTLED):
        engine.make("climb", _CLIMBED)


_WINDOWS: Final = """
select id, parent, parent as up, start_ns as begin_ns, end_ns as finish_ns from nested
"""

_BEYOND: Final = """
select count(*) from nested
where parent <> 0 and (start_ns < parent_start_ns or end_ns > parent_end_ns)
"""

_CLIPPED: Final = """
select low.id as id, low.parent as parent, coalesce(high.up, 0) as up,
  greatest(low.begin_ns, coalesce(high.begin_ns, low.begin_ns)) as begin_ns,
  least(low.finish_ns, coalesce(high.finish_ns, low.finish_ns)) as finish_ns
from windows as low left join windows as high on low.up = high.id
"""

# Where no children overlap, all are on the path. Elsewhere they are numbered in order of their end.
_SIBLINGS: Final = """
select windows.id as id, windows.parent as parent, windows.begin_ns as begin_ns,
  windows.finish_ns as finish_ns,
  row_number() over (
    partition by windows.parent
    order by windows.finish_ns, windows.begin_ns, records.span_id desc
  ) as ordinal
from windows join (select id from covered where overlap) as crowded on windows.parent = crowded.id
join records on windows.id = records.id
where windows.finish_ns > windows.begin_ns
"""

# If one is on the path, the next is the last of those that end before it begins.
_FOLLOWING: Final = """
select parent, ordinal, following
from (
  select parent, ordinal, is_begin,
    max(ended) over (partition by parent order by ns, is_begin rows unbounded preceding)
      as following
  from (
    select parent, ordinal, begin_ns as ns, 1 as is_begin, 0 as ended from siblings
    union all
    select parent, ordinal, finish_ns as ns, 0 as is_begin, ordinal as ended from siblings
  ) as moments
) as running
where is_begin = 1 and following > 0
"""

_AHEAD: Final = """
select jump.parent as parent, jump.following as ordinal
from reached join jump on reached.parent = jump.parent and reached.ordinal = jump.ordinal
"""

_JUMPED: Final = """
select low.parent as parent, low.ordinal as ordinal, high.following as following
from jump as low join jump as high on low.parent = high.parent and low.following = high.ordinal
"""

_TAKEN: Final = """
select id, id as up from windows where parent = 0
union all
select id, parent as up from windows
where parent <> 0 and finish_ns > begin_ns and parent not in (select id from covered where overlap)
union all
select siblings.id as id, siblings.parent as up
from siblings join reached
on siblings.parent = reached.parent and siblings.ordinal = reached.ordinal
"""

_UNSETTLED: Final = """
select count(*) from climb as low left join climb as high on low.up = high.id
where high.id is null or high.up <> low.up
"""

_CLIMBED: Final = """
select low.id as id, high.up as up from climb as low join climb as high on low.up = high.id
"""


_SUMMARIES_AT_A_TIME: Final = 1 << 16
"""Summaries for which gaps are divided at a time, about."""


def critical_path(engine: Engine, processes: dict[int, Origin]) -> list[CriticalTime]:
    """Critical paths of all roots, from the tables that `make_self_times` made.

    Args:
        engine: where the tables are.
        processes: the processes, by code.
    """
    _find_paths(engine)
    engine.make("gaps", _GAPS)
    engine.make("shared", _SHARED)
    names = [name for (name,) in engine.ask("select name from names order by code")]
    kinds = OperationKinds.of(names, [processes[code] for code in sorted(processes)])
    parts = [_contributions(kinds, _columns(engine.ask(_UNSHARED), 5))]
    parts += [_contributions(kinds, _divide(rows)) for rows in _shared_gaps(engine)]
    sums = sum_by_root_and_kind(*map(np.concatenate, zip(*parts, strict=True)))
    roots = _columns(engine.ask(_ROOTS), 4)
    position = np.searchsorted(roots[0], sums.root)
    span_id = np.array([row[0] for row in engine.ask(_ROOT_IDS)], np.uint64)
    name, start, end = (column[position] for column in roots[1:])
    return critical_path_rows(kinds, CriticalRoots(name - 1, start, end, span_id[position]), sums)


def _shared_gaps(engine: Engine) -> Iterator[list[Ints]]:
    """Gaps and the summaries that share them, some at a time."""
    parts = number(engine, "select count(*) from shared") // _SUMMARIES_AT_A_TIME + 1
    for part in range(parts):
        query = _SHARING.replace("PARTS", str(parts)).replace("PART", str(part))
        rows = _columns(engine.ask(query), 10)
        if rows[0].size:
            yield rows


def _divide(rows: list[Ints]) -> list[Ints]:
    """Contributions of the gaps of `_SHARING`, in the columns of `_UNSHARED`."""
    span, root, since, own, kept, name, process, weight, summary_name, summary_process = rows
    first = starts_of_runs(span)
    given = apportion(own[first], kept[first], weight, first)
    left = own[first] - np.add.reduceat(given, first)
    return [
        np.concatenate((root[first], root)),
        np.concatenate((name[first], summary_name)),
        np.concatenate((process[first], summary_process)),
        np.concatenate((left, given)),
        np.concatenate((since[first], since)),
    ]


def _contributions(kinds: OperationKinds, columns: list[Ints]) -> CriticalSums:
    """Contributions: root, code of name and of process, ns, and when they begin."""
    root, name, process, ns, since = columns
    return CriticalSums(kinds.kind(name - 1, process - 1), root, ns, since)


def _columns(rows: list[tuple[int, ...]], count: int) -> list[Ints]:
    return [np.array([row[at] for row in rows], np.int64) for at in range(count)]


_GAPS: Final = """
select climb.id as id, climb.up as root, windows.begin_ns as begin_ns,
  windows.finish_ns - windows.begin_ns - coalesce(children.ns, 0) as own_ns
from climb join windows on climb.id = windows.id
left join (
  select windows.parent as above,
    cast(sum(windows.finish_ns - windows.begin_ns) as bigint) as ns
  from climb join windows on climb.id = windows.id
  where windows.parent <> 0 group by windows.parent
) as children on climb.id = children.above
"""

_SHARED: Final = f"""
select high.id as span, low.id as summary
from (select * from tree where kind = 1) as low
join (select * from tree where kind = 0) as high on low.enclosing = high.id
join gaps on gaps.id = high.id
where gaps.own_ns > 0 and {SAME_THREAD}
"""

_UNSHARED: Final = """
select gaps.root, tree.name, tree.process, cast(sum(gaps.own_ns) as bigint), min(gaps.begin_ns)
from gaps join tree on gaps.id = tree.id
where gaps.own_ns > 0 and gaps.id not in (select span from shared)
group by gaps.root, tree.name, tree.process
"""

_SHARING: Final = """
select gaps.id, gaps.root, gaps.begin_ns, gaps.own_ns, weights.self_ns, weights.name,
  weights.process, tree.own_ns, tree.name, tree.process
from (select * from shared where span % PARTS = PART) as shared
join gaps on shared.span = gaps.id
join weights on shared.span = weights.id
join tree on shared.summary = tree.id
join records on shared.summary = records.id
order by gaps.id, tree.name, records.span_id
"""

_ROOTS: Final = """
select tree.id, tree.name, tree.start_ns, tree.end_ns
from (select distinct root from gaps) as roots join tree on roots.root = tree.id order by tree.id
"""

_ROOT_IDS: Final = """
select records.span_id
from (select distinct root from gaps) as roots join records on roots.root = records.id
order by records.id
"""
