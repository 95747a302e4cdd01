"""How a figure changed between the runs of two sides: the statistics of one row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from rbtrace import statistics
from rbtrace.comparison.arms import MEASURES, Run
from rbtrace.comparison.results import Change, Policy, Warned
from rbtrace.comparison.sides import Sides


def overall_changes(sides: Sides, policy: Policy, alpha: float) -> list[Change]:
    """The changes of all that was measured once in every run; the gate is made of the first."""
    rows: list[Change] = []
    for measure in MEASURES.values():
        values = sides.values(_measured(measure.name))
        if values is None:
            continue
        found = compared(values, sides, alpha)
        judged = verdicts(found, policy)
        described = figures(found)
        if rows:
            judged["gate"] = None
        elif (finding := statistics.sensitivity_finding(found, policy.threshold)) is not None:
            described["warnings"].append(_warned(finding))
        rows.append(
            Change(
                name=measure.name,
                unit=measure.unit,
                baseline=geometric_mean(values[0]),
                candidate=geometric_mean(values[1]),
                **described,
                **judged,
            )
        )
    return rows


def compared(
    values: tuple[list[float], list[float]], sides: Sides, alpha: float
) -> statistics.Comparison:
    """Compare a figure of the runs of both sides."""
    return statistics.compare_runs(
        *values, paired=sides.paired, confidence=1 - alpha, starts=sides.starts
    )


def figures(found: statistics.Comparison) -> dict[str, Any]:
    """The fields of a `Change` that are the comparison's own."""
    return {
        "ratio": found.ratio,
        "ci": found.ci,
        "p_value": found.p_value,
        "method": found.method,
        "crosscheck_p": found.crosscheck_p,
        "run_cv": found.run_cv,
        "mde": found.mde,
        "warnings": [_warned(one) for one in found.warnings],
    }


def verdicts(
    found: statistics.Comparison, policy: Policy, adjusted_p: float | None = None
) -> dict[str, Any]:
    """The fields of a `Change` that say what follows; by the adjusted p where there is one."""
    verdict = statistics.decide(found, policy.threshold, p_value=adjusted_p)
    return {
        "decision": str(verdict.decision),
        "confirmed": verdict.confirmed,
        "gate": str(statistics.gate(found, policy.max_regression, p_value=adjusted_p)),
    }


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive numbers."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _warned(finding: statistics.Finding) -> Warned:
    return Warned(str(finding), finding.message)


def _measured(name: str) -> Callable[[Run], float | None]:
    return lambda run: run.measures.get(name)
