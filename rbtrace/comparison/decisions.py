"""What a comparison decides: by which policy, at which p, and with which outcome.

Whoever looks after every pair and stops at the first p below 0.05 finds differences between
identical arms far more often than one time in twenty. So a benchmark that may end early plans its
interim analyses, each with the bound of `rbtrace.statistics.o_brien_fleming`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from rbtrace.comparison.results import Change, OperationChange, Outcome, Policy
from rbtrace.comparison.work import SameResult, Work
from rbtrace.errors import EXIT_GATE_FAILED, EXIT_GOOD, EXIT_INCONCLUSIVE
from rbtrace.statistics import InvalidParameterError, o_brien_fleming

THRESHOLD: Final = 5.0
MAX_REGRESSION: Final = 10.0
_ALPHA: Final = 0.05
_ACCEPT: Final = "ACCEPT"
_FAIL: Final = "FAIL"
_INCONCLUSIVE: Final = "INCONCLUSIVE"


def make_policy(
    *,
    threshold: float = THRESHOLD,
    max_regression: float | None = None,
    require_improvement: bool = False,
    work: bool = False,
) -> Policy:
    """Complete what was asked for; `rbtrace.statistics` checks the numbers when it uses them.

    Args:
        threshold: per cent from which a candidate is an improvement, 0 to below 100.
        max_regression: per cent by which it may be slower, at least 0. Default: 10, and with
            `work` no gate on time at all.
        require_improvement: whether anything but an improvement fails.
        work: whether different calls, or another result, fail.
    """
    return Policy(
        threshold=float(threshold),
        max_regression=float(MAX_REGRESSION if max_regression is None else max_regression),
        require_improvement=require_improvement,
        work=work,
        gate_time=not work or max_regression is not None,
    )


def parse_interim_analyses(text: str) -> list[int]:
    """Numbers of pairs as the command line takes them: `10,20,30`.

    Raises:
        InvalidParameterError: they are not increasing whole numbers from 2 on.
    """
    try:
        pairs = [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidParameterError(
            f"--until {text} is not understood: give numbers of pairs, such as 10,20,30"
        ) from None
    o_brien_fleming(pairs, _ALPHA)
    return pairs


def alpha_at(interim_analyses: Sequence[int], pairs: int) -> float:
    """The greatest p that counts after a number of pairs.

    Between two interim analyses that was never planned to be asked: the strictest bound counts.
    """
    if not interim_analyses:
        return _ALPHA
    bounds = {
        planned.runs: planned.p_value for planned in o_brien_fleming(interim_analyses, _ALPHA)
    }
    return bounds.get(pairs, min(bounds.values()))


def without_verdicts[T: Change](change: T) -> T:
    """The same change with nothing decided about it."""
    if change.decision is None:
        return change
    gate = None if change.gate is None else _INCONCLUSIVE
    return replace(change, decision=_INCONCLUSIVE, confirmed=False, gate=gate)


def conclude(
    whole: Change,
    operations: list[OperationChange],
    work: Work | None,
    result: SameResult,
    policy: Policy,
    reasons: list[str],
) -> Outcome:
    """What follows from changes and work.

    Args:
        whole: the change that the gate is made of.
        operations: the changes of all operations.
        work: the work of both arms.
        result: whether they computed the same.
        policy: what was asked for.
        reasons: why there are no verdicts, if so.
    """
    failed = _work_gates(work, result) if policy.work else []
    if policy.gate_time:
        failed += [
            _regression(change, policy) for change in (whole, *operations) if change.gate == _FAIL
        ]
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
