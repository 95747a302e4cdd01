"""Filters: which spans count in the breakdowns.

A filter chooses spans; it does not change them. Self times are those within the whole trace, and
shares are of the self time of the spans that were chosen. Wall time, critical path, parallel
regions and integrity stay those of the whole trace.

A trial's number and score hold for everything beneath the trial. The duration of a summary is the
mean of its calls. A comparison with what a span does not have does not hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from rbtrace import conventions as key
from rbtrace.analysis.ancestry import NO_PARENT, nearest
from rbtrace.analysis.arrays import Ints, Labels, Mask
from rbtrace.analysis.breakdowns import CallPathTime
from rbtrace.analysis.filter_language import (
    AndOr,
    FieldKind,
    FilterComparison,
    FilterNode,
    Not,
    parse,
)
from rbtrace.analysis.table import SpanTable, Summaries

type _Column = npt.NDArray[Any]
_BEYOND_INT64: Final = 1 << 63


class FilteredTable(NamedTuple):
    """The spans that a filter chose, as a table whose other spans count for nothing."""

    table: SpanTable
    chosen: Mask


class _Field(NamedTuple):
    """A field: what kind it is of, and its values with which of them are known."""

    kind: FieldKind
    values: Callable[[SpanTable], tuple[_Column, Mask]]


def parse_filter(text: str) -> FilterNode:
    """Parse a filter over the fields that spans have.

    Raises:
        FilterError: it cannot be understood; the message says where and what was expected.
    """
    return parse(text, {name: field.kind for name, field in FIELDS.items()})


def select(table: SpanTable, condition: FilterNode) -> FilteredTable:
    """Choose real spans and summaries; see the module."""
    chosen = _evaluate(condition, table) & (table.real | table.summary)
    summaries_before = table.summaries
    kept = chosen[summaries_before.row]
    summaries = Summaries(
        summaries_before.row[kept],
        summaries_before.calls[kept],
        summaries_before.total[kept],
        summaries_before.shortest[kept],
        summaries_before.longest[kept],
        summaries_before.self_ns[kept],
        summaries_before.last_end[kept],
        summaries_before.buckets.of(kept),
    )
    restricted = replace(
        table, real=table.real & chosen, summary=table.summary & chosen, summaries=summaries
    )
    return FilteredTable(restricted, chosen)


def leading_to_calls(paths: list[CallPathTime]) -> list[CallPathTime]:
    """The paths that have calls, and those that lead to them."""
    kept = []
    needed: list[str] = []
    for row in reversed(paths):
        if row.calls or row.path == needed[: len(row.path)]:
            kept.append(row)
            needed = row.path
    return kept[::-1]


def _evaluate(node: FilterNode, table: SpanTable) -> Mask:
    match node:
        case Not(part):
            return ~_evaluate(part, table)
        case AndOr("and", left, right):
            return _evaluate(left, table) & _evaluate(right, table)
        case AndOr(_, left, right):
            return _evaluate(left, table) | _evaluate(right, table)
        case FilterComparison():
            return _compare(node, table)


def _compare(node: FilterComparison, table: SpanTable) -> Mask:
    return fulfils_comparison(node, *FIELDS[node.field].values(table))


def fulfils_comparison(node: FilterComparison, values: _Column, known: Mask) -> Mask:
    """Which of the values of its field, as far as they are known, fulfil a comparison."""
    if isinstance(node.value, str):
        return _compare_texts(values, node.operator, node.value) & known
    holds: Mask = _compare_numbers(values, node.operator, node.value) & known
    return holds


def _compare_texts(values: _Column, sign: str, text: str) -> Mask:
    distinct, position = np.unique(values, return_inverse=True)
    if sign == "~":
        holds = np.array([text in value for value in distinct.tolist()], np.bool_)
    else:
        holds = np.array(
            [(value == text) == (sign == "==") for value in distinct.tolist()], np.bool_
        )
    fulfilled: Mask = holds[position]
    return fulfilled


_COMPARE: Final = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def _compare_numbers(values: _Column, sign: str, number: Decimal) -> _Column:
    if values.dtype.kind == "f":
        holds: _Column = _COMPARE[sign](values, float(number))
        return holds
    sign, bound = in_whole_numbers(sign, number)
    return _COMPARE[sign](values, bound)  # type: ignore[no-any-return]


def in_whole_numbers(sign: str, number: Decimal) -> tuple[str, int]:
    """The same comparison with a whole number, for values of 64 bits that are whole."""
    if number == int(number):
        return sign, int(number)
    if sign in {"==", "!="}:  # none is equal to a fraction
        return (">=" if sign == "==" else "<"), _BEYOND_INT64
    below: int = int(number // 1) - (number < 0)
    return sign, below + 1 if sign in {"<", ">="} else below


def _texts(texts: list[str], code: Labels) -> tuple[_Column, Mask]:
    values = np.array(texts or [""])[code]
    return values, values != ""


def _durations(table: SpanTable) -> tuple[_Column, Mask]:
    values = table.duration
    values[table.summaries.row] = table.summaries.total // np.maximum(1, table.summaries.calls)
    return values, np.ones(table.size, np.bool_)


def _own_values(table: SpanTable, field: str, kind: type[np.generic]) -> tuple[_Column, Mask]:
    values, known = np.zeros(table.size, kind), np.zeros(table.size, np.bool_)
    for row, own in table.own_attributes.items():
        value = getattr(own, field)
        if value is not None:
            values[row], known[row] = value, True
    return values, known


def _trial_values(table: SpanTable, field: str, kind: type[np.generic]) -> tuple[_Column, Mask]:
    values, known = _own_values(table, field, kind)
    is_trial = _own_values(table, "trial", np.int64)[1]
    trial = np.where(is_trial, np.arange(table.size), nearest(table.parent, ~is_trial))
    beneath: Mask = trial != NO_PARENT
    return values[trial], beneath & known[trial]


def _pid(table: SpanTable) -> tuple[_Column, Mask]:
    pids: Ints = np.array(
        [-1 if process.pid is None else process.pid for process in table.processes], np.int64
    )
    values = pids[table.process]
    return values, values >= 0


def _process_values(name: str) -> Callable[[SpanTable], tuple[_Column, Mask]]:
    return lambda table: _texts(
        [getattr(process, name) for process in table.processes], table.process
    )


FIELDS: Final[dict[str, _Field]] = {
    "name": _Field(FieldKind.TEXT, lambda table: _texts(table.names, table.name)),
    "duration": _Field(FieldKind.DURATION, _durations),
    "category": _Field(FieldKind.TEXT, lambda table: _texts(table.categories, table.category)),
    "process": _Field(FieldKind.TEXT, _process_values("process")),
    key.PROCESS_PID: _Field(FieldKind.NUMBER, _pid),
    key.HOST_NAME: _Field(FieldKind.TEXT, _process_values("host")),
    key.SERVICE_NAME: _Field(FieldKind.TEXT, _process_values("service")),
    key.RUN_ID: _Field(
        FieldKind.TEXT, lambda table: _texts([run.run_id for run in table.runs], table.run)
    ),
    key.ARM: _Field(
        FieldKind.TEXT, lambda table: _texts([run.arm or "" for run in table.runs], table.run)
    ),
    key.TRIAL_NUMBER: _Field(
        FieldKind.NUMBER, lambda table: _trial_values(table, "trial", np.int64)
    ),
    key.TRIAL_SCORE: _Field(
        FieldKind.NUMBER, lambda table: _trial_values(table, "score", np.float64)
    ),
    key.WORKERS: _Field(FieldKind.NUMBER, lambda table: _own_values(table, "workers", np.int64)),
    key.CPU_NS: _Field(FieldKind.DURATION, lambda table: _own_values(table, "cpu_ns", np.int64)),
    key.RUNQUEUE_NS: _Field(
        FieldKind.DURATION, lambda table: _own_values(table, "runqueue_ns", np.int64)
    ),
}
