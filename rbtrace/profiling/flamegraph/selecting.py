"""Selecting what a flame graph is of: an operation, a trial, a worker, the slowest spans."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from rbtrace.analysis.ancestry import NO_PARENT, nearest
from rbtrace.analysis.arrays import Codes, Ints, Mask
from rbtrace.analysis.table import SpanTable
from rbtrace.errors import InputError
from rbtrace.files.profiles import Frame
from rbtrace.profiling.flamegraph.profile import EMPTY, Profile, Stacks

_SLOWEST: Final = 0.01
_NAMED: Final = 8
"""Names that an error lists."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; None and False ask for everything."""

    operation: str | None = None
    trial: int | None = None
    worker: str | None = None
    slowest: bool = False

    @property
    def needs_spans(self) -> bool:
        """Whether profile files alone do not tell."""
        return self.operation is not None or self.trial is not None or self.slowest

    @property
    def title(self) -> str:
        """The title of a flame graph of it."""
        parts = [self.operation or "all"]
        parts += [f"trial {self.trial}"] if self.trial is not None else []
        parts += [f"worker {self.worker}"] if self.worker is not None else []
        parts += ["slowest 1 %"] if self.slowest else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Selected:
    """The samples asked for, and the rows of the spans they fell in (None: not joined)."""

    profile: Profile
    rows: Mask | None


def select(profile: Profile, table: SpanTable | None, selection: Selection) -> Selected:
    """Choose samples.

    Raises:
        InputError: nothing is there that fits; the message says what there is.
    """
    if selection.worker is not None:
        profile = profile.only(_of_worker(profile, selection.worker))
    if table is None or not selection.needs_spans:
        return Selected(profile, None)
    rows = np.ones(table.size, np.bool_)
    if selection.trial is not None:
        rows &= _beneath(table, _trial_rows(table, selection.trial))
    if selection.operation is not None:
        calls = _operation_rows(table, selection.operation) & rows
        rows &= _beneath(table, calls)
    else:
        calls = rows & table.real
    row = rows_of_samples(profile, table)
    keep = (row != NO_PARENT) & rows[row]
    if selection.slowest:
        keep &= _during(profile, table, row, _slowest(table, calls))
    profile = profile.only(keep)
    if selection.operation is not None:
        profile = beneath_function(profile, selection.operation)
    return Selected(profile, rows)


def rows_of_samples(profile: Profile, table: SpanTable) -> Codes:
    """The row of the span each sample fell in, -1 where it is not in the table."""
    if not table.size:
        return np.full(profile.span.size, NO_PARENT, np.int32)
    order = np.argsort(table.span_id, kind="stable")
    ordered = table.span_id[order]
    position = np.minimum(np.searchsorted(ordered, profile.span), ordered.size - 1)
    return np.where(ordered[position] == profile.span, order[position], NO_PARENT).astype(np.int32)


def _of_worker(profile: Profile, worker: str) -> Mask:
    names = [process.name for process in profile.processes]
    fits = [name == worker or name.rpartition("/")[2] == worker for name in names]
    if not any(fits):
        raise InputError(f"no process {worker}; there are {_list(names)}")
    return np.array(fits, np.bool_)[profile.process]


def _list(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return ", ".join(distinct[:_NAMED]) + more


def _operation_rows(table: SpanTable, operation: str) -> Mask:
    if operation not in table.names:
        raise InputError(f"no operation {operation}; there are {_list(sorted(table.names))}")
    rows: Mask = table.name == table.names.index(operation)
    return rows


def _trial_rows(table: SpanTable, trial: int) -> Mask:
    numbers = {row: own.trial for row, own in table.own_attributes.items() if table.real[row]}
    rows = [row for row, number in numbers.items() if number == trial]
    if not rows:
        known = sorted({number for number in numbers.values() if number is not None})
        available = f"there are {known[0]} to {known[-1]}" if known else "there are none"
        raise InputError(f"no trial {trial}; {available}")
    mask = np.zeros(table.size, np.bool_)
    mask[rows] = True
    return mask


def _beneath(table: SpanTable, rows: Mask) -> Mask:
    """Those rows and all beneath them."""
    beneath: Mask = rows | (nearest(table.parent, ~rows) != NO_PARENT)
    return beneath


def _slowest(table: SpanTable, rows: Mask) -> Ints:
    """The slowest 1 % of some spans; of aggregated calls, those that were kept one by one."""
    real: Ints = np.flatnonzero(rows & table.real)
    if not real.size:
        return np.flatnonzero(rows & table.exemplar)
    count = math.ceil(real.size * _SLOWEST)
    slowest: Ints = real[np.argsort(-table.duration[real], kind="stable")[:count]]
    return slowest


def _during(profile: Profile, table: SpanTable, row: Codes, spans: Ints) -> Mask:
    """Samples taken while one of these spans ran, in its process."""
    keep = np.zeros(profile.time.size, np.bool_)
    process = np.where(row == NO_PARENT, NO_PARENT, table.process[row])
    for span in spans.tolist():
        within = (profile.time >= table.start[span]) & (profile.time <= table.end[span])
        keep |= within & (process == table.process[span])
    return keep


def beneath_function(profile: Profile, operation: str) -> Profile:
    """The same samples with their stacks cut off above the operation's function.

    Where the function is on no stack (the span is a block, or has a name of its own) stacks stay
    whole, under a frame of the operation's name. A sample between span and function is the
    operation's own.
    """
    functions = {number for number, frame in enumerate(profile.frames) if frame.name == operation}
    stacks = Stacks()
    paths = {stack: profile.path(stack) for stack in np.unique(profile.stack).tolist()}
    if not functions:
        top = Frame(operation)
        mapping = {stack: stacks.of([top, *path]) for stack, path in paths.items()}
        return profile.with_stacks(stacks, mapping)
    function = profile.frames[min(functions)]
    mapping = {}
    for stack, path in paths.items():
        first = next((at for at, frame in enumerate(path) if frame.name == operation), None)
        mapping[stack] = stacks.of([function] if first is None else path[first:])
    return profile.with_stacks(stacks, mapping or {EMPTY: EMPTY})
