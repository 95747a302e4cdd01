"""The interface of databases that run the analyses in SQL: DuckDB, ClickHouse; a third is a module.

An engine comes with two tables, so that all run the same statements. `records` has the spans as
they were read, before anything is joined or corrected. Its columns are

- `id`: the number of the record, from 1 on, in the order of reading; `trace` and `span_id`: what
  two records of the same span have in common; `link_trace` and `parent_id`: the same of its parent,
  by link or by parent id, and 0 for a root; `own_parent_id`: its parent id, whatever a link says;
- `kind`: as in `rbtrace.analysis.attributes`, and `IMPLICIT`; `name`, `category`, `thread`: texts;
- `start_ns` and `end_ns`: epoch ns, 0 where missing; `adopted`: from what a dead process left open;
- `process_key` and `run_key`: texts that differ where processes and runs do, made of `host`, `pid`
  (null where unknown), `instance` and `service`, and of `run_id` (or `trace_text`, where it is "");
  `arm`, `pair` and `run_order`: null where there is none;
- `trial`, `score`, `cpu_ns`, `runqueue_ns`, `workers` and `spans_ended`: as in `attributes`, null
  where a span says nothing of it; `calls`, `total_ns`, `shortest_ns`, `longest_ns`, `own_ns`
  and `last_end_ns`: the figures of summaries; null in all other rows.

`buckets` has the histograms of summaries: the `id` of a summary, the `ns` that represent a bucket,
and its `calls`.

Statements are in the SQL that the engines share: no boolean is summed and no integer divided; a
column in an expression is qualified with its table if the result has the same name; and where all
columns of a table are taken from a join, no other table of the join has one of these names.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

IMPLICIT: Final = 3
"""Kind of the spans that the recorder makes around calls outside of any span."""


class Engine(Protocol):
    """A database with the tables `records` and `buckets`. Tables that are made are temporary."""

    @property
    def name(self) -> str:
        """Its name in reports."""
        ...

    def make(self, table: str, query: str) -> None:
        """Make a table of the rows of a query; one of the same name is replaced afterwards."""
        ...

    def add(self, table: str, query: str) -> None:
        """Add the rows of a query to a table."""
        ...

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def quotient(self, of: str, by: str) -> str:
        """The SQL of a number (≥ 0) divided by another (> 0), without the remainder."""
        ...


def number(engine: Engine, query: str) -> int:
    """The result of a query that gives a single number."""
    ((value,),) = engine.ask(query)
    return int(value)


def nearest(engine: Engine, table: str, passed_over: str) -> None:
    """Make a table of the spans that are passed over: `id`, and `up`, their nearest other ancestor.

    `up` is 0 if there is none.

    Args:
        engine: where the table `spans` is.
        table: the table to make.
        passed_over: condition on a row of `spans` that does not count as an ancestor.
    """
    engine.make(table, _PASSED_OVER.replace("CONDITION", passed_over))
    double(engine, table)


def double(engine: Engine, table: str) -> None:
    """Let every `up` of a table point beyond its own `id`s, by doubling pointers."""
    while number(engine, _UNSETTLED.replace("TABLE", table)):
        engine.make(table, _DOUBLED.replace("TABLE", table))


_PASSED_OVER: Final = "select id, parent as up from spans where CONDITION"
_UNSETTLED: Final = "select count(*) from TABLE as low join TABLE as high on low.up = high.id"
_DOUBLED: Final = """
select low.id as id, coalesce(high.up, low.up) as up
from TABLE as low left join TABLE as high on low.up = high.id
"""
