"""Which spans are on critical paths, in SQL: in the steps of `rbtrace.analysis.critical_path`.

Whether a span is on the path if its parent is, is found for all spans at once; which of them have a
root above them, by doubling pointers.
"""

from __future__ import annotations

from typing import Final

from rbtrace.analysis.sql.engine import Engine, number


def find_paths(engine: Engine) -> None:
    """Make `windows`: real spans, clipped; and `climb`: those on critical paths, with their root.

    Args:
        engine: where the tables are that `spend` made.
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
    engine.make("reached", "select parent, max(place) as place from siblings group by parent")
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

# Where no children overlap, all are on the path. Elsewhere they have places, in order of their end.
_SIBLINGS: Final = """
select windows.id as id, windows.parent as parent, windows.begin_ns as begin_ns,
  windows.finish_ns as finish_ns,
  row_number() over (
    partition by windows.parent
    order by windows.finish_ns, windows.begin_ns, found.span_id desc
  ) as place
from windows join (select id from covered where overlap) as crowded on windows.parent = crowded.id
join found on windows.id = found.id
where windows.finish_ns > windows.begin_ns
"""

# If one is on the path, the next is the last of those that end before it begins.
_FOLLOWING: Final = """
select parent, place, following
from (
  select parent, place, is_begin,
    max(ended) over (partition by parent order by ns, is_begin rows unbounded preceding)
      as following
  from (
    select parent, place, begin_ns as ns, 1 as is_begin, 0 as ended from siblings
    union all
    select parent, place, finish_ns as ns, 0 as is_begin, place as ended from siblings
  ) as moments
) as running
where is_begin = 1 and following > 0
"""

_AHEAD: Final = """
select jump.parent as parent, jump.following as place
from reached join jump on reached.parent = jump.parent and reached.place = jump.place
"""

_JUMPED: Final = """
select low.parent as parent, low.place as place, high.following as following
from jump as low join jump as high on low.parent = high.parent and low.following = high.place
"""

_TAKEN: Final = """
select id, id as up from windows where parent = 0
union all
select id, parent as up from windows
where parent <> 0 and finish_ns > begin_ns and parent not in (select id from covered where overlap)
union all
select siblings.id as id, siblings.parent as up
from siblings join reached
on siblings.parent = reached.parent and siblings.place = reached.place
"""

_UNSETTLED: Final = """
select count(*) from climb as low left join climb as high on low.up = high.id
where high.id is null or high.up <> low.up
"""

_CLIMBED: Final = """
select low.id as id, high.up as up from climb as low join climb as high on low.up = high.id
"""
