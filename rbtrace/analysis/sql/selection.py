"""Selections of spans in SQL: those that a filter chooses, and those of trials and regions.

Fields with few values (names, processes, runs, categories, trials) are compared here, by the code
of `rbtrace.analysis.filtering`; the database selects spans by the codes of the values that match.

The spans of trials and parallel regions are the trials, the spans that ran in another process than
their parent, and these parents: about as many as the report has rows. They are read into a table in
memory, for the analyses of `rbtrace.analysis.parallel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from rbtrace import conventions as key
from rbtrace.analysis.ancestry import NO_PARENT
from rbtrace.analysis.attributes import Origin, OwnAttributes
from rbtrace.analysis.filter_language import AndOr, FilterComparison, FilterNode, Not
from rbtrace.analysis.filtering import fulfils_comparison, in_whole_numbers
from rbtrace.analysis.sql.engine import IMPLICIT, Engine, nearest, number
from rbtrace.analysis.table import Anomalies, SpanTable, Summaries, buckets_of


def apply_filter(engine: Engine, filter_node: FilterNode, processes: dict[int, Origin]) -> int:
    """Restrict `weights` to the spans that a filter chose; give their number.

    Args:
        engine: where the tables are that `make_self_times` made.
        filter_node: the filter.
        processes: the processes, by code.
    """
    condition = _Conditions(engine, processes).of(filter_node)
    engine.make("chosen", _CHOSEN.replace("CONDITION", condition))
    engine.make("weights", _RESTRICTED)
    return number(engine, "select count(*) from chosen")


class _Conditions:
    """Filters as conditions on rows of `tree`, `records` and `trials`.

    Args:
        engine: the database.
        processes: the processes, by code.
    """

    def __init__(self, engine: Engine, processes: dict[int, Origin]) -> None:
        self._engine = engine
        self._processes = processes
        self._trials: list[tuple[Any, ...]] = []
        engine.make("trials", _NO_TRIALS)

    def of(self, node: FilterNode) -> str:
        match node:
            case Not(part):
                return f"not ({self.of(part)})"
            case AndOr(sign, left, right):
                return f"({self.of(left)}) {sign} ({self.of(right)})"
            case FilterComparison():
                return self._compared(node)

    def _compared(self, node: FilterComparison) -> str:
        field = node.field
        if field in _OWN:
            return _whole(f"records.{_OWN[field]}", node)
        if field == "duration":
            mean = self._engine.quotient("tree.total_ns", "greatest(tree.calls, 1)")
            length = "tree.end_ns - tree.start_ns"
            return _whole(f"case when tree.kind = 1 then {mean} else {length} end", node)
        if field in _TRIALS:
            return self._of_trial(node)
        if field in _PROCESSES:
            values = [getattr(process, _PROCESSES[field]) for process in self._processes.values()]
            return _among("tree.process", list(zip(self._processes, values, strict=True)), node)
        if field == "category":
            self._engine.make("kinds_of_work", _KINDS_OF_WORK)
            rows = self._engine.ask("select code, category from kinds_of_work")
            among = _among("code", rows, node)
            return f"tree.category in (select category from kinds_of_work where {among})"
        column, query = _TEXTS[field]
        return _among(column, self._engine.ask(query), node)

    def _of_trial(self, node: FilterComparison) -> str:
        """A trial's number and score hold for everything beneath it."""
        if not self._trials:
            nearest(self._engine, "no_trials", _IS_NO_TRIAL)
            self._engine.make("trials", "select id, up as trial from no_trials")
            self._trials = self._engine.ask(_ALL_TRIALS)
        rows = [(row[0], row[_TRIALS[node.field]]) for row in self._trials]
        return _among("coalesce(trials.trial, tree.id)", rows, node)


def _among(column: str, rows: Sequence[tuple[Any, ...]], node: FilterComparison) -> str:
    """The condition that a code is one of those whose values fulfil a comparison.

    Args:
        column: the column of the code.
        rows: each code and its value; "" and None are no values.
        node: the comparison.
    """
    rows = [(code, value) for code, value in rows if value is not None and value != ""]
    if not rows:
        return "1 = 0"
    values = np.array([value for _, value in rows])
    holds = fulfils_comparison(node, values, np.ones(values.size, np.bool_))
    codes = ", ".join(
        str(code) for (code, _), fulfils in zip(rows, holds.tolist(), strict=True) if fulfils
    )
    return f"{column} in ({codes})" if codes else "1 = 0"


def _whole(expression: str, node: FilterComparison) -> str:
    """The condition that a whole number fulfils a comparison."""
    assert not isinstance(node.value, str)
    sign, bound = in_whole_numbers(node.operator, node.value)
    return f"coalesce({expression} {_SIGNS.get(sign, sign)} {bound}, false)"


_SIGNS: Final = {"==": "=", "!=": "<>"}
_OWN: Final = {key.WORKERS: "workers", key.CPU_NS: "cpu_ns", key.RUNQUEUE_NS: "runqueue_ns"}
_TRIALS: Final = {key.TRIAL_NUMBER: 1, key.TRIAL_SCORE: 2}
_PROCESSES: Final = {
    "process": "process", key.PROCESS_PID: "pid", key.HOST_NAME: "host",
    key.SERVICE_NAME: "service",
}  # fmt: skip
_TEXTS: Final = {
    "name": ("tree.name", "select code, name from names"),
    key.RUN_ID: ("tree.run", "select code, text from runs"),
    key.ARM: ("tree.run", "select code, arm from runs"),
}

_NO_TRIALS: Final = "select id, cast(0 as bigint) as trial from spans where id = 0"
_IS_NO_TRIAL: Final = "id not in (select id from records where trial is not null)"
_ALL_TRIALS: Final = """
select records.id, records.trial, records.score
from records join spans on records.id = spans.id where records.trial is not null
"""

_KINDS_OF_WORK: Final = """
select category, row_number() over (order by category) as code
from (select distinct category from spans) as texts
"""

_CHOSEN: Final = """
select tree.id as id
from tree join records on tree.id = records.id left join trials on tree.id = trials.id
where tree.kind < 2 and (CONDITION)
"""

_RESTRICTED: Final = f"""
select * replace (
  case when kind < 2 and id not in (select id from chosen) then {IMPLICIT} else kind end as kind
) from weights
"""


def trial_and_region_spans(engine: Engine, processes: dict[int, Origin]) -> SpanTable:
    """The spans of trials and regions that count, all real, from what `make_self_times` made.

    `parent` is the nearest real ancestor, where it is one of them.

    Args:
        engine: where the tables are.
        processes: the processes, by code.
    """
    engine.make("task_spans", _TASK_SPANS)
    rows = engine.ask(_TASK_SPAN_ROWS)
    position = {row[0]: at for at, row in enumerate(rows)}
    names = sorted({row[5] for row in rows})
    name_code = {name: code for code, name in enumerate(names)}
    process_code = {code: at for at, code in enumerate(processes)}
    parent = np.array([position.get(row[1], NO_PARENT) for row in rows], np.int32)
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
        own_attributes={at: _own_attributes(row) for at, row in enumerate(rows)},
        anomalies=Anomalies(),
        real_parent=parent,
    )


def _own_attributes(row: tuple[Any, ...]) -> OwnAttributes:
    return OwnAttributes(**dict(zip(_OWN_FIELDS, row[7:], strict=True)))


def _no_summaries() -> Summaries:
    none = np.zeros(0, np.int64)
    return Summaries(none.astype(np.int32), none, none, none, none, none, none, buckets_of([]))


_OWN_FIELDS: Final = ("trial", "score", "cpu_ns", "runqueue_ns", "workers")

_TASK_SPANS: Final = """
select id from records where trial is not null
union distinct
select id from nested where parent <> 0 and process <> parent_process
union distinct
select parent as id from nested where parent <> 0 and process <> parent_process
"""

_TASK_SPAN_ROWS: Final = f"""
select tree.id, tree.real_parent, records.span_id, tree.start_ns, tree.end_ns, records.name,
  tree.process, {", ".join(f"records.{name}" for name in _OWN_FIELDS)}
from task_spans join tree on task_spans.id = tree.id join records on task_spans.id = records.id
join weights on task_spans.id = weights.id
where weights.kind = 0
order by tree.id
"""
