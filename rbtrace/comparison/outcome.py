"""What follows from a comparison: verdicts or none, gates, and the exit status."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from rbtrace.comparison.results import Change, OperationChange, Outcome, Policy
from rbtrace.comparison.work import SameResult, Work
from rbtrace.errors import EXIT_GATE_FAILED, EXIT_GOOD, EXIT_INCONCLUSIVE

_ACCEPT: Final = "ACCEPT"
_FAIL: Final = "FAIL"
_INCONCLUSIVE: Final = "INCONCLUSIVE"


def without_verdicts[T: Change](change: T) -> T:
    """The same change with nothing decided about it."""
    if change.decision is None:
        return change
    gate = None if change.gate is None else _INCONCLUSIVE
    return replace(change, decision=_INCONCLUSIVE, confirmed=False, gate=gate)


def draw(
    whole: Change,
    operations: list[OperationChange],
    work: Work | None,
    result: SameResult,
    policy: Policy,
    reasons: list[str],
) -> Outcome:
    """Draw the conclusions.

    Args:
        whole: the change that the gate is made of.
        operations: the changes of all operations.
        work: the work of both arms.
        result: whether they computed the same.
        policy: what was asked for.
        reasons: why there are no verdicts, if so.
    """
    failed = [*_work_gates(work, result)] if policy.work else []
    if policy.gate_time:
        failed += [_regression(one, policy) for one in (whole, *operations) if one.gate == _FAIL]
    if policy.require_improvement and whole.decision != _ACCEPT:
        failed.append(f"an improvement of {policy.threshold:g} % was asked for and not shown")
    gate = whole.gate if policy.gate_time else None
    code = EXIT_GOOD
    if failed:
        code = EXIT_GATE_FAILED
    elif gate == _INCONCLUSIVE:
        code = EXIT_INCONCLUSIVE
    return Outcome(
        decision=whole.decision or _INCONCLUSIVE,
        confirmed=whole.confirmed,
        gate=gate,
        failed=failed,
        open=reasons,
        exit_code=code,
    )


def _work_gates(work: Work | None, result: SameResult) -> list[str]:
    failed = []
    if work is not None and not work.same:
        number = len(work.differences)
        failed.append(f"the calls of {number} call {'path' if number == 1 else 'paths'} differ")
    if result.same is False:
        failed.append(result.reason)
    return failed


def _regression(change: Change, policy: Policy) -> str:
    assert change.ratio is not None
    return (
        f"{change.name} takes {100 * (change.ratio - 1):.1f} % longer; "
        f"{policy.max_regression:g} % is allowed"
    )
