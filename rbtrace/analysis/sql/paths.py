"""Call paths in SQL, level by level, as `rbtrace.analysis.paths` builds them.

A level costs a join with all spans, so a trace is as many joins as it is deep, and no more than
`DEEPEST`: what lies below is found by doubling pointers.
"""

from __future__ import annotations

from typing import Final

from rbtrace.analysis.paths import DEEPER, DEEPEST, CallPath, listed
from rbtrace.analysis.sql.engine import Engine, double, nearest, number

_DEEPER_CODE: Final = 0
"""Names have codes from 1 on."""


def call_paths(engine: Engine) -> list[CallPath]:
    """All call paths, from the tables `spans` and `spent`."""
    nearest(engine, "exemplars", "kind = 2")
    engine.make("placed", _PLACED)
    engine.make("beneath", _ROOTS)
    texts = {_DEEPER_CODE: DEEPER, **dict(engine.ask("select code, name from names"))}
    parents: list[int] = []
    names: list[str] = []
    sums: list[tuple[int, int, int]] = []
    for level in range(DEEPEST + 1):
        if not number(engine, "select count(*) from beneath"):
            break
        if level == DEEPEST:
            _sink(engine)
        engine.make("nodes", _NODES.replace("MADE", str(len(parents))))
        for above, name, *figures in engine.ask(_NEW_NODES):
            parents.append(above)
            names.append(texts[name])
            sums.append((figures[0], figures[1], figures[2]))
        engine.make("reached", _REACHED)
        engine.make("beneath", _BENEATH)
    calls, totals, selfs = ([figures[at] for figures in sums] for at in range(3))
    return listed(parents, names, calls, totals, selfs)


def _sink(engine: Engine) -> None:
    """Let the spans of the deepest level, and all beneath them, be one node for each path."""
    engine.make("climb", _CLIMB)
    double(engine, "climb")
    engine.make("beneath", _SUNK)


_PLACED: Final = """
select spent.id as id, coalesce(exemplars.up, spent.parent) as caller, spent.name as name,
  case when spent.kind < 2 then spent.calls else 0 end as calls,
  case when spent.kind < 2 then spent.total_ns else 0 end as total_ns,
  case when spent.kind < 2 then spent.self_ns else 0 end as self_ns
from spent left join exemplars on spent.parent = exemplars.id
where spent.kind <> 2
"""

_ROOTS: Final = """
select id, cast(-1 as bigint) as above, name, calls, total_ns, self_ns from placed where caller = 0
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
select placed.id as id, cast(reached.node as bigint) as above, placed.name as name,
  placed.calls as calls, placed.total_ns as total_ns, placed.self_ns as self_ns
from placed join reached on placed.caller = reached.id
"""

_CLIMB: Final = """
select id, caller as up from placed where caller <> 0 and id not in (select id from beneath)
"""

_SUNK: Final = """
select placed.id as id, beneath.above as above, 0 as name,
  placed.calls as calls, placed.total_ns as total_ns, placed.self_ns as self_ns
from placed
left join climb on placed.id = climb.id
join beneath on beneath.id = coalesce(climb.up, placed.id)
"""
