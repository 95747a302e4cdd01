"""How figures changed between two sides: of whole runs, and of every operation.

The contributions of the operations add up to the change of all self time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from rbtrace import statistics
from rbtrace.comparison.arms import MEASURES, ArmRun, Sides
from rbtrace.comparison.results import Change, OperationChange, Policy, Warned

FAMILY_SHARE: Final = 0.005
"""Share, of either side, from which an operation is judged."""


def overall_changes(sides: Sides, policy: Policy, alpha: float) -> list[Change]:
    """The changes of all that was measured once in every run; the gate is made of the first."""
    rows: list[Change] = []
    for measure in MEASURES.values():
        values = sides.values(_measured(measure.name))
        if values is None:
            continue
        comparison = _compare(values, sides, alpha)
        judgement = _judgement(comparison, policy)
        estimates = _estimates(comparison)
        if rows:
            judgement["gate"] = None
        elif (finding := statistics.sensitivity_finding(comparison, policy.threshold)) is not None:
            estimates["warnings"].append(_warned(finding))
        rows.append(
            Change(
                name=measure.name,
                unit=measure.unit,
                baseline=_geometric_mean(values[0]),
                candidate=_geometric_mean(values[1]),
                **estimates,
                **judgement,
            )
        )
    return rows


class OperationChanges(NamedTuple):
    """The changes of all operations, and the log ratio that their contributions sum to."""

    operations: list[OperationChange]
    log_ratio: float | None


def operation_changes(sides: Sides, policy: Policy, alpha: float | None) -> OperationChanges:
    """Compare the self times of every operation.

    Args:
        sides: the runs.
        policy: what was asked for.
        alpha: greatest p that counts; None if operations are not to be judged.

    Returns:
        The operations with the greatest part in the change first.
    """
    if sides.values(_self_of_all) is None:
        return OperationChanges([], None)
    log_ratio, parts = _contributions(sides)
    rows = {name: _description(name, sides) for name in parts}
    notes = {name: _why_not_judged(name, sides, rows[name], alpha) for name in parts}
    comparisons = {
        name: _compare(values, sides, alpha)
        for name in parts
        if not notes[name]
        and alpha is not None
        and (values := sides.values(_self_of(name))) is not None
    }
    raw = {
        name: comparison.p_value
        for name, comparison in comparisons.items()
        if comparison.p_value is not None
    }
    adjusted = dict(zip(raw, statistics.holm(raw.values()), strict=True))
    for name, comparison in comparisons.items():
        p = adjusted.get(name)
        rows[name] |= _estimates(comparison) | _judgement(comparison, policy, p) | {"adjusted_p": p}
    per_cent = 100 * math.expm1(log_ratio) / log_ratio if log_ratio else 100.0
    changes = [
        OperationChange(
            unit="ns",
            contribution=part,
            contribution_percent=part * per_cent,
            note=notes[name],
            **rows[name],
        )
        for name, part in parts.items()
    ]
    return OperationChanges(sorted(changes, key=_by_part), log_ratio)


def _contributions(sides: Sides) -> tuple[float, dict[str, float]]:
    """The log ratio of all self time, and each operation's part of it."""
    ours, theirs = (
        {
            name: [run.self_ns.get(name, 0.0) for run in side]
            for name in {name for run in side for name in run.self_ns}
        }
        for side in (sides.baseline, sides.candidate)
    )
    decomposition = statistics.decompose(ours, theirs, paired=sides.paired)
    return decomposition.log_ratio, decomposition.contributions


def _description(name: str, sides: Sides) -> dict[str, Any]:
    """The fields of an operation's row that need no statistics."""
    row: dict[str, Any] = {"name": name}
    values = sides.values(_self_of(name))
    for side, (arm, runs) in enumerate(
        (("baseline", sides.baseline), ("candidate", sides.candidate))
    ):
        self_ns = [run.self_ns.get(name, 0.0) for run in runs]
        whole = math.fsum(_self_of_all(run) for run in runs)
        occurs = any(name in run.self_ns for run in runs)
        mean = math.fsum(self_ns) / len(runs) if values is None else _geometric_mean(values[side])
        row[arm] = mean if occurs else None
        row[f"share_{arm}"] = math.fsum(self_ns) / whole if occurs else None
        row[f"calls_{arm}"] = _calls(name, runs) if occurs else None
    if values is not None:
        row["ratio"] = row["candidate"] / row["baseline"]
    return row


def _why_not_judged(name: str, sides: Sides, row: dict[str, Any], alpha: float | None) -> str:
    for arm, other in (("baseline", "candidate"), ("candidate", "baseline")):
        if row[other] is None:
            return f"only in the {arm}"
    if not all(name in run.self_ns for run in (*sides.baseline, *sides.candidate)):
        return "not in every run"
    if sides.values(_self_of(name)) is None:
        return "no time of its own in some run"
    if max(row["share_baseline"], row["share_candidate"]) < FAMILY_SHARE:
        return f"below {FAMILY_SHARE:.1%} of either arm"
    return "" if alpha is not None else "not judged in a benchmark that may end early"


def _self_of(name: str) -> Callable[[ArmRun], float | None]:
    return lambda run: run.self_ns.get(name)


def _self_of_all(run: ArmRun) -> float:
    return math.fsum(run.self_ns.values())


def _calls(name: str, runs: Sequence[ArmRun]) -> float | None:
    """Mean number of calls of an operation in a run."""
    recorded = [run.calls for run in runs if run.calls is not None]
    if len(recorded) < len(runs):
        return None
    number = sum(calls for run in recorded for path, calls in run.items() if path[-1] == name)
    return number / len(runs)


def _by_part(change: OperationChange) -> tuple[float, str]:
    return -abs(change.contribution or 0.0), change.name


def _compare(
    values: tuple[list[float], list[float]], sides: Sides, alpha: float
) -> statistics.Comparison:
    """Compare a figure of the runs of both sides."""
    return statistics.compare_runs(
        *values, paired=sides.paired, confidence=1 - alpha, starts=sides.starts
    )


def _estimates(comparison: statistics.Comparison) -> dict[str, Any]:
    """The fields of a `Change` that are taken from its statistical comparison."""
    return {
        "ratio": comparison.ratio,
        "ci": comparison.ci,
        "p_value": comparison.p_value,
        "method": comparison.method,
        "crosscheck_p": comparison.crosscheck_p,
        "run_cv": comparison.run_cv,
        "mde": comparison.mde,
        "warnings": [_warned(finding) for finding in comparison.warnings],
    }


def _judgement(
    comparison: statistics.Comparison, policy: Policy, adjusted_p: float | None = None
) -> dict[str, Any]:
    """The fields of a `Change` that say what follows; by the adjusted p where there is one."""
    verdict = statistics.decide(comparison, policy.threshold, p_value=adjusted_p)
    return {
        "decision": str(verdict.decision),
        "confirmed": verdict.confirmed,
        "gate": str(statistics.gate(comparison, policy.max_regression, p_value=adjusted_p)),
    }


def _geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive numbers."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _warned(finding: statistics.Finding) -> Warned:
    return Warned(str(finding), finding.message)


def _measured(name: str) -> Callable[[ArmRun], float | None]:
    return lambda run: run.measures.get(name)
