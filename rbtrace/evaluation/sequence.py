"""Sequential evaluation of optimizations, each on top of those adopted before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from rbtrace.evaluation.components import OptimizationComponent, rank_components
from rbtrace.evaluation.results import BenchmarkResultSet
from rbtrace.evaluation.thresholds import (
    PerformanceThreshold,
    ThresholdEvaluation,
    evaluate_threshold,
)
from rbtrace.evaluation.validation import InvalidFieldError
from rbtrace.statistics import Decision, compound
from rbtrace.statistics.samples import percentage

type Measure = Callable[
    [tuple[OptimizationComponent, ...], OptimizationComponent], BenchmarkResultSet
]
"""Measures the state with the adopted components (baseline) against that state with one more."""

type Check = Callable[[OptimizationComponent], str | None]
"""Says how a component's results differ from the baseline's; None if they do not."""

GOAL_PCT: Final = Decimal(40)
_RUNNING: Final = 2


class StopReason(StrEnum):
    """Why no further optimization was evaluated."""

    GOAL_REACHED = "goal reached"
    ALL_EVALUATED = "all evaluated"
    TWO_REJECTIONS = "two rejections running"


@dataclass(frozen=True)
class Step:
    """The evaluation of one optimization.

    Attributes:
        component: the optimization.
        decision: whether it was adopted.
        reason: the decision in words.
        evaluation: what was measured; None if it was not, because its results differ.
        cumulative_ratio: last adopted state ÷ first state after this step.
    """

    component: OptimizationComponent
    decision: Decision
    reason: str
    evaluation: ThresholdEvaluation | None
    cumulative_ratio: float


@dataclass(frozen=True)
class SequentialEvaluation:
    """What came of a list of optimizations.

    Attributes:
        steps: those evaluated, in order.
        skipped: those not evaluated.
        stop_reason: why it ended.
        goal_pct: improvement that was aimed at, per cent.
    """

    steps: tuple[Step, ...]
    skipped: tuple[OptimizationComponent, ...]
    stop_reason: StopReason
    goal_pct: Decimal

    @property
    def accepted(self) -> tuple[OptimizationComponent, ...]:
        """What was adopted, in order."""
        return tuple(step.component for step in self.steps if step.decision is Decision.ACCEPT)

    @property
    def ratio(self) -> float:
        """Last adopted state ÷ first state, the product of the adopted steps' ratios."""
        return self.steps[-1].cumulative_ratio if self.steps else 1.0

    @property
    def improvement(self) -> float:
        """1 − ratio, per cent."""
        return 100 * (1 - self.ratio)

    @property
    def speedup(self) -> float:
        """First state ÷ last adopted state."""
        return 1 / self.ratio


def evaluate_sequence(
    components: Iterable[OptimizationComponent],
    measure: Measure,
    threshold: PerformanceThreshold,
    *,
    check: Check | None = None,
    goal_pct: Decimal = GOAL_PCT,
) -> SequentialEvaluation:
    """Evaluate optimizations, most promising for their effort first, until a stop rule holds.

    Each is measured against the last adopted state, and the ratios of the adopted ones multiply.
    It ends when the goal is reached, when all are evaluated, or when two running were rejected.
    What is INCONCLUSIVE is not adopted, and does not count as rejected.

    Args:
        components: what could be done; names must differ.
        measure: measures one upon those adopted.
        threshold: what is asked of each.
        check: compares the results; a component whose results differ is rejected unmeasured.
        goal_pct: improvement to reach in all, per cent, below 100.

    Raises:
        InvalidFieldError: two components have one name.
        InvalidParameterError: the goal is outside its range.
    """
    goal = percentage(goal_pct, "goal_pct", below=100)
    waiting = list(rank_components(components))
    if len({component.name for component in waiting}) < len(waiting):
        raise InvalidFieldError("two components have the same name")
    steps: list[Step] = []
    ended = StopReason.ALL_EVALUATED
    while waiting:
        steps.append(_step(waiting.pop(0), steps, measure, threshold, check))
        reached = 100 * (1 - steps[-1].cumulative_ratio) >= goal
        if steps[-1].decision is Decision.ACCEPT and reached:
            ended = StopReason.GOAL_REACHED
            break
        if (
            waiting
            and [step.decision for step in steps[-_RUNNING:]] == [Decision.REJECT] * _RUNNING
        ):
            ended = StopReason.TWO_REJECTIONS
            break
    return SequentialEvaluation(tuple(steps), tuple(waiting), ended, Decimal(str(goal_pct)))


def _step(
    component: OptimizationComponent,
    steps: list[Step],
    measure: Measure,
    threshold: PerformanceThreshold,
    check: Check | None,
) -> Step:
    so_far = steps[-1].cumulative_ratio if steps else 1.0
    differs = check(component) if check is not None else None
    if differs is not None:
        return Step(component, Decision.REJECT, f"its results differ: {differs}", None, so_far)
    adopted = tuple(step.component for step in steps if step.decision is Decision.ACCEPT)
    results = measure(adopted, component)
    evaluation = evaluate_threshold(results, threshold, name=component.name)
    step = Step(component, evaluation.verdict.decision, evaluation.reason, evaluation, so_far)
    if step.decision is not Decision.ACCEPT:
        return step
    return replace(step, cumulative_ratio=compound([so_far, evaluation.comparison.ratio]).ratio)
