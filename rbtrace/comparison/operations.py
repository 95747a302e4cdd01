"""How every operation changed, and how much of the whole change is its."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from rbtrace import statistics
from rbtrace.comparison.arms import Run
from rbtrace.comparison.changes import compared, figures, geometric_mean, verdicts
from rbtrace.comparison.results import OperationChange, Policy
from rbtrace.comparison.sides import Sides

FAMILY_SHARE: Final = 0.005
"""Share, of either side, from which an operation is judged."""


class Explained(NamedTuple):
    """The changes of all operations, and the log ratio that their contributions sum to."""

    operations: list[OperationChange]
    log_ratio: float | None


def operation_changes(sides: Sides, policy: Policy, alpha: float | None) -> Explained:
    """Compare the self times of every operation.

    Args:
        sides: the runs.
        policy: what was asked for.
        alpha: greatest p that counts; None if operations are not to be judged.

    Returns:
        The operations with the greatest part in the change first.
    """
    if sides.values(_self_of_all) is None:
        return Explained([], None)
    log_ratio, parts = _decomposed(sides)
    rows = {name: _described(name, sides) for name in parts}
    notes = {name: _why_not_judged(name, sides, rows[name], alpha) for name in parts}
    found = {
        name: compared(values, sides, alpha)
        for name in parts
        if not notes[name]
        and alpha is not None
        and (values := sides.values(_self_of(name))) is not None
    }
    raw = {name: one.p_value for name, one in found.items() if one.p_value is not None}
    adjusted = dict(zip(raw, statistics.holm(raw.values()), strict=True))
    for name, one in found.items():
        p = adjusted.get(name)
        rows[name] |= figures(one) | verdicts(one, policy, p) | {"adjusted_p": p}
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
    return Explained(sorted(changes, key=_by_part), log_ratio)


def _decomposed(sides: Sides) -> tuple[float, dict[str, float]]:
    """The log ratio of all self time, and each operation's part of it."""
    ours, theirs = (
        {
            name: [run.self_ns.get(name, 0.0) for run in side]
            for name in {name for run in side for name in run.self_ns}
        }
        for side in (sides.baseline, sides.candidate)
    )
    found = statistics.decompose(ours, theirs, paired=sides.paired)
    return found.log_ratio, found.contributions


def _described(name: str, sides: Sides) -> dict[str, Any]:
    """The fields of an operation's row that need no statistics."""
    found: dict[str, Any] = {"name": name}
    values = sides.values(_self_of(name))
    for place, (arm, runs) in enumerate(
        (("baseline", sides.baseline), ("candidate", sides.candidate))
    ):
        spent = [run.self_ns.get(name, 0.0) for run in runs]
        whole = math.fsum(_self_of_all(run) for run in runs)
        occurs = any(name in run.self_ns for run in runs)
        mean = math.fsum(spent) / len(spent) if values is None else geometric_mean(values[place])
        found[arm] = mean if occurs else None
        found[f"share_{arm}"] = math.fsum(spent) / whole if occurs else None
        found[f"calls_{arm}"] = _calls(name, runs) if occurs else None
    if values is not None:
        found["ratio"] = found["candidate"] / found["baseline"]
    return found


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


def _self_of(name: str) -> Callable[[Run], float | None]:
    return lambda run: run.self_ns.get(name)


def _self_of_all(run: Run) -> float:
    return math.fsum(run.self_ns.values())


def _calls(name: str, runs: Sequence[Run]) -> float | None:
    """Mean number of calls of an operation in a run."""
    recorded = [run.calls for run in runs if run.calls is not None]
    if len(recorded) < len(runs):
        return None
    number = sum(calls for one in recorded for path, calls in one.items() if path[-1] == name)
    return number / len(runs)


def _by_part(change: OperationChange) -> tuple[float, str]:
    return -abs(change.contribution or 0.0), change.name
