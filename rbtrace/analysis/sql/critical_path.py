"""Critical paths in SQL: what the spans that `on_path` finds contribute, as rows of a report.

The database sums; only gaps that summaries share are divided here, some at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from rbtrace.analysis.apportion import apportion
from rbtrace.analysis.arrays import Ints, starts_of_runs
from rbtrace.analysis.critical_sums import CriticalTime, Kinds, Roots, Sums, listed, summed
from rbtrace.analysis.facts import Origin
from rbtrace.analysis.sql.engine import Engine, number
from rbtrace.analysis.sql.on_path import find_paths
from rbtrace.analysis.sql.self_time import SAME_THREAD

_TOGETHER: Final = 1 << 16
"""Summaries whose parts are worked out at a time, about."""


def critical_path(engine: Engine, processes: dict[int, Origin]) -> list[CriticalTime]:
    """Critical paths of all roots, from the tables that `spend` made.

    Args:
        engine: where the tables are.
        processes: the processes, by code.
    """
    find_paths(engine)
    engine.make("gaps", _GAPS)
    engine.make("shared", _SHARED)
    names = [name for (name,) in engine.ask("select name from names order by code")]
    kinds = Kinds.of(names, [processes[code] for code in sorted(processes)])
    parts = [_parts(kinds, _columns(engine.ask(_UNSHARED), 5))]
    parts += [_parts(kinds, _divided(rows)) for rows in _sharing(engine)]
    sums = summed(*map(np.concatenate, zip(*parts, strict=True)))
    roots = _columns(engine.ask(_ROOTS), 4)
    place = np.searchsorted(roots[0], sums.root)
    identity = np.array([row[0] for row in engine.ask(_ROOT_IDS)], np.uint64)
    name, start, end = (column[place] for column in roots[1:])
    return listed(kinds, Roots(name - 1, start, end, identity[place]), sums)


def _sharing(engine: Engine) -> Iterator[list[Ints]]:
    """Gaps and the summaries that share them, some at a time."""
    parts = number(engine, "select count(*) from shared") // _TOGETHER + 1
    for part in range(parts):
        query = _SHARING.replace("PARTS", str(parts)).replace("PART", str(part))
        rows = _columns(engine.ask(query), 10)
        if rows[0].size:
            yield rows


def _divided(rows: list[Ints]) -> list[Ints]:
    """What the gaps of `_SHARING` come to, as `_UNSHARED` has it."""
    span, root, since, own, kept, name, process, weight, its_name, its_process = rows
    first = starts_of_runs(span)
    given = apportion(own[first], kept[first], weight, first)
    left = own[first] - np.add.reduceat(given, first)
    return [
        np.concatenate((root[first], root)),
        np.concatenate((name[first], its_name)),
        np.concatenate((process[first], its_process)),
        np.concatenate((left, given)),
        np.concatenate((since[first], since)),
    ]


def _parts(kinds: Kinds, columns: list[Ints]) -> Sums:
    """Contributions: root, code of name and of process, ns, and when they begin."""
    root, name, process, ns, since = columns
    return Sums(kinds.kind(name - 1, process - 1), root, ns, since)


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
select gaps.id, gaps.root, gaps.begin_ns, gaps.own_ns, spent.self_ns, spent.name, spent.process,
  tree.own_ns, tree.name, tree.process
from (select * from shared where span % PARTS = PART) as shared
join gaps on shared.span = gaps.id
join spent on shared.span = spent.id
join tree on shared.summary = tree.id
join found on shared.summary = found.id
order by gaps.id, tree.name, found.span_id
"""

_ROOTS: Final = """
select tree.id, tree.name, tree.start_ns, tree.end_ns
from (select distinct root from gaps) as roots join tree on roots.root = tree.id order by tree.id
"""

_ROOT_IDS: Final = """
select found.span_id
from (select distinct root from gaps) as roots join found on roots.root = found.id order by found.id
"""
