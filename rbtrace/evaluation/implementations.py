"""A baseline to be measured against, and what could take its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rbtrace.evaluation import fields
from rbtrace.evaluation.components import OptimizationComponent
from rbtrace.evaluation.errors import InvalidFieldError
from rbtrace.evaluation.fields import Number
from rbtrace.evaluation.timing import TimedExecution, timed, timed_pairs
from rbtrace.statistics import Comparison, compare_runs


@dataclass(frozen=True)
class BaselineImplementation:
    """A simple implementation that is known to be right.

    Attributes:
        component_name: what it implements.
        baseline_function: the implementation.
        baseline_timing: duration of a call, s, above 0.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    component_name: str
    baseline_function: Callable[..., Any]
    baseline_timing: Number

    def __post_init__(self) -> None:
        fields.text(self, "component_name")
        fields.function(self, "baseline_function")
        fields.positive(self, "baseline_timing")

    @classmethod
    def measured(
        cls, component_name: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Self:
        """A baseline whose timing is that of one call with these arguments."""
        seconds = max(1, timed(function, args, kwargs).duration_ns) / 1e9
        return cls(component_name, function, seconds)

    def execute(self, *args: Any, **kwargs: Any) -> TimedExecution:
        """Call the function and time it. What it raises is passed on."""
        return timed(self.baseline_function, args, kwargs)


@dataclass(frozen=True)
class AlternativeSolution:
    """Another implementation of a component.

    Attributes:
        component: what it implements: the component, or its name.
        alternative_function: the implementation.
        timing: duration of a call, s, above 0.
        improvement_pct: 1 − timing ÷ the baseline's, per cent; negative: slower.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    component: OptimizationComponent | str
    alternative_function: Callable[..., Any]
    timing: Number
    improvement_pct: Number

    def __post_init__(self) -> None:
        if not isinstance(self.component, OptimizationComponent):
            fields.text(self, "component")
        fields.function(self, "alternative_function")
        fields.positive(self, "timing")
        fields.at_most(self, "improvement_pct", 100)

    @property
    def component_name(self) -> str:
        """Name of the component."""
        return self.component if isinstance(self.component, str) else self.component.name

    def compare(
        self, baseline: BaselineImplementation, args: Sequence[Any] = (), *, pairs: int = 10
    ) -> Comparison:
        """Time it against its baseline, in turns, in this process.

        Args:
            baseline: the implementation it could replace.
            args: of every call.
            pairs: how often both are timed.

        Raises:
            InvalidFieldError: the baseline is of another component.
        """
        if baseline.component_name != self.component_name:
            raise InvalidFieldError(
                f"{self.component_name} cannot be compared with a baseline "
                f"of {baseline.component_name}"
            )
        before, after = timed_pairs(
            baseline.baseline_function, self.alternative_function, args, pairs=pairs
        )
        return compare_runs(before, after, paired=True)
