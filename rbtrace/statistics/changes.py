"""Ratios of several changes multiplied, and the change of a total divided among operations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rbtrace.statistics.samples import (
    Floats,
    InvalidRunsError,
    Runs,
    finite_runs,
    positive_runs,
    same_length,
)


@dataclass(frozen=True, slots=True)
class Compounded:
    """What several changes amount to.

    Attributes:
        ratio: last state ÷ first state, the product of the ratios.
        improvement: 1 − ratio, per cent.
        speedup: first state ÷ last state.
        geometric_mean: of the ratios, the ratio of a typical step.
    """

    ratio: float
    improvement: float
    speedup: float
    geometric_mean: float


def compound(ratios: Runs) -> Compounded:
    """Multiply the ratios (each state ÷ the state before it): percentages never add.

    Raises:
        InvalidRunsError: there are none, or one is not a finite number above 0.

    Source:
        P. J. Fleming, J. J. Wallace, How not to lie with statistics, CACM 29 (1986) 218–221.
    """
    steps = positive_runs(ratios, "ratios")
    product = math.prod(steps.tolist())
    return Compounded(
        ratio=product,
        improvement=100 * (1 - product),
        speedup=1 / product,
        geometric_mean=math.exp(math.fsum(math.log(step) for step in steps) / steps.size),
    )


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The logarithm of a ratio of totals, divided among the operations.

    Attributes:
        log_ratio: ln(candidate ÷ baseline) of the geometric means of the runs' totals.
        contributions: operation → its part of `log_ratio`, largest in size first. They sum to
            it; negative: the operation became faster.
    """

    log_ratio: float
    contributions: dict[str, float]


def decompose(
    baseline: Mapping[str, Runs], candidate: Mapping[str, Runs], *, paired: bool = False
) -> Decomposition:
    """Divide the change of the total among the operations, with nothing left over.

    Of one pair of runs with totals T and T', an operation that went from s to s' contributes
    (s' − s) ÷ L(T', T), where L(x, y) = (x − y) ÷ ln(x ÷ y) is the logarithmic mean; these sum to
    ln(T' ÷ T). The mean is taken over the pairs, or over all combinations of runs.

    Args:
        baseline: operation → its self time in each run (any unit, 0 where it did not occur).
        candidate: the same of the candidate, same unit; operations may differ.
        paired: run i of one arm belongs to run i of the other.

    Raises:
        InvalidRunsError: there are no operations, a number is not finite or negative, operations
            have different numbers of runs, or the total of a run is 0.

    Source:
        B. W. Ang, Energy Policy 32 (2004) 1131–1139 (LMDI: perfect in decomposition).
    """
    names = sorted({*baseline, *candidate})
    before, after = _table(baseline, names, "baseline"), _table(candidate, names, "candidate")
    totals = before.sum(axis=0), after.sum(axis=0)
    if paired:
        same_length(*totals, "paired runs")
        weights = _inverse_logarithmic_mean(totals[1], totals[0]) / totals[0].size
        parts = (after - before) @ weights
    else:
        grid = _inverse_logarithmic_mean(totals[1][:, None], totals[0]) / (
            totals[0].size * totals[1].size
        )
        parts = after @ grid.sum(axis=1) - before @ grid.sum(axis=0)
    order = np.argsort(-np.abs(parts), kind="stable")
    return Decomposition(
        log_ratio=float(np.log(totals[1]).mean() - np.log(totals[0]).mean()),
        contributions={names[index]: float(parts[index]) for index in order},
    )


def _table(arm: Mapping[str, Runs], names: list[str], what: str) -> Floats:
    """Operations × runs; operations that the arm lacks are 0 in all its runs."""
    rows = {name: finite_runs(values, f"{what}, {name}") for name, values in arm.items()}
    if not rows:
        raise InvalidRunsError(f"{what} has no operations")
    runs = next(iter(rows.values()))
    for name, row in rows.items():
        same_length(runs, row, f"{what}: runs of all operations, {name} too,")
        if row.min() < 0:
            raise InvalidRunsError(f"{what}, {name}: a run is below 0")
    table = np.array([rows.get(name, np.zeros_like(runs)) for name in names])
    if table.sum(axis=0).min() <= 0:
        raise InvalidRunsError(f"{what}: the operations of a run have no time at all")
    return table


def _inverse_logarithmic_mean(after: Floats, before: Floats) -> Floats:
    """1 ÷ L(after, before), also where both are nearly or exactly equal."""
    change = (after - before) / before
    near = np.abs(change) < 0.5
    logarithm = np.where(near, np.log1p(np.where(near, change, 0)), np.log(after / before))
    equal = change == 0
    inverse: Floats = np.where(equal, 1, logarithm / np.where(equal, 1, change)) / before
    return inverse
