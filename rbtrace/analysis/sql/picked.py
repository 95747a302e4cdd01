"""The few spans that trials and parallel regions are made of, as a table in memory.

Those are the trials, the spans that ran in another process than their parent, and these parents:
as many as the report has rows. What is found from them is found by the analyses there are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.facts import Extra, Origin
from rbtrace.analysis.histograms import buckets_of
from rbtrace.analysis.sql.engine import Engine
from rbtrace.analysis.table import Anomalies, SpanTable, Summaries


def pick(engine: Engine, processes: dict[int, Origin]) -> SpanTable:
    """The spans of trials and regions that count, all real, from the tables that `spend` made.

    `parent` is the nearest real ancestor, where it is one of them.

    Args:
        engine: where the tables are.
        processes: the processes, by code.
    """
    engine.make("picked", _PICKED)
    rows = engine.ask(_ROWS)
    place = {row[0]: at for at, row in enumerate(rows)}
    names = sorted({row[5] for row in rows})
    name_code = {name: code for code, name in enumerate(names)}
    process_code = {code: at for at, code in enumerate(processes)}
    parent = np.array([place.get(row[1], NO_PARENT) for row in rows], np.int32)
    every, none = np.ones(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    unknown = np.zeros(len(rows), np.int16)
    return SpanTable(
        span_id=np.array([row[2] for row in rows], np.uint64),
        parent=parent,
        start=np.array([row[3] for row in rows], np.int64),
        end=np.array([row[4] for row in rows], np.int64),
        name=np.array([name_code[row[5]] for row in rows], np.int32),
        category=unknown,
        thread=unknown,
        process=np.array([process_code[row[6]] for row in rows], np.int32),
        run=unknown,
        real=every,
        summary=none,
        exemplar=none,
        implicit=none,
        adopted=none,
        names=names,
        categories=[""],
        processes=list(processes.values()),
        runs=[],
        summaries=_no_summaries(),
        extras={at: Extra(**dict(zip(_OWN, row[7:], strict=True))) for at, row in enumerate(rows)},
        anomalies=Anomalies(),
        real_parent=parent,
    )


def _no_summaries() -> Summaries:
    none = np.zeros(0, np.int64)
    return Summaries(none.astype(np.int32), none, none, none, none, none, none, buckets_of([]))


_OWN: Final = ("trial", "score", "cpu_ns", "runqueue_ns", "workers")

_PICKED: Final = """
select id from found where trial is not null
union distinct
select id from nested where parent <> 0 and process <> parent_process
union distinct
select parent as id from nested where parent <> 0 and process <> parent_process
"""

_ROWS: Final = """
select tree.id, tree.real_parent, found.span_id, tree.start_ns, tree.end_ns, found.name,
  tree.process, found.trial, found.score, found.cpu_ns, found.runqueue_ns, found.workers
from picked join tree on picked.id = tree.id join found on picked.id = found.id
join spent on picked.id = spent.id
where spent.kind = 0
order by tree.id
"""
