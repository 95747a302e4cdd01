"""Components that could be optimized, their implementations, and timing of these."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Self

from rbtrace.evaluation import validation
from rbtrace.evaluation.validation import InvalidFieldError, Number
from rbtrace.statistics import Comparison, compare_runs

_MANY_NS: Final = 2_000_000
"""A function is called until so much time has passed: a clock's resolution is far below it."""


@dataclass(frozen=True)
class OptimizationComponent:
    """An optimization that could be made.

    Attributes:
        name: a short name, the same in every result about it.
        description: what would be done.
        expected_improvement: per cent of the time, 0 to 100.
        implementation_effort: in any one unit, such as days; above 0.

    Raises:
        InvalidFieldError: a field has a value that it may not have.
    """

    name: str
    description: str
    expected_improvement: Number
    implementation_effort: Number

    def __post_init__(self) -> None:
        validation.text(self, "name")
        validation.text(self, "description")
        validation.not_negative(self, "expected_improvement")
        validation.at_most(self, "expected_improvement", 100)
        validation.positive(self, "implementation_effort")

    @property
    def priority(self) -> float:
        """Expected improvement for each unit of effort."""
        return float(self.expected_improvement) / float(self.implementation_effort)


def rank_components(
    components: Iterable[OptimizationComponent],
) -> tuple[OptimizationComponent, ...]:
    """The components, most improvement for the least effort first; equals by name."""
    return tuple(sorted(components, key=lambda component: (-component.priority, component.name)))


@dataclass(frozen=True)
class TimedExecution:
    """One call and what it took.

    Attributes:
        result: what the function returned.
        duration_ns: wall time, ns.
        cpu_ns: CPU time of the process, ns.
    """

    result: Any
    duration_ns: int
    cpu_ns: int


def timed(
    function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> TimedExecution:
    """Call a function once and time it. What it raises is passed on."""
    named = kwargs or {}
    cpu = time.process_time_ns()
    start = time.perf_counter_ns()
    result = function(*args, **named)
    duration = time.perf_counter_ns() - start
    return TimedExecution(result, duration, time.process_time_ns() - cpu)


def timed_pairs(
    baseline: Callable[..., Any],
    candidate: Callable[..., Any],
    args: Sequence[Any] = (),
    *,
    pairs: int = 10,
    seed: int = 0,
) -> tuple[list[float], list[float]]:
    """Time two functions in turns, in random order within each pair, after one call to warm up.

    Good for functions that do not depend on the state of the process. What start-up, memory layout
    and hash seeds do to a program is seen in fresh processes only.

    Returns:
        Duration of one call in each pair, ns, of the baseline and of the candidate. Short
        functions are called many times; both equally often.
    """
    functions = baseline, candidate
    calls = max(
        1, _MANY_NS // max(1, *(timed(function, args).duration_ns for function in functions))
    )
    durations: tuple[list[float], list[float]] = ([], [])
    order = Random(seed)  # noqa: S311 - an order, not a secret
    for _ in range(pairs):
        for arm in order.sample((0, 1), 2):
            durations[arm].append(_per_call(functions[arm], args, calls))
    return durations


def _per_call(function: Callable[..., Any], args: Sequence[Any], calls: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(calls):
        function(*args)
    return (time.perf_counter_ns() - start) / calls


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
        validation.text(self, "component_name")
        validation.function(self, "baseline_function")
        validation.positive(self, "baseline_timing")

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
            validation.text(self, "component")
        validation.function(self, "alternative_function")
        validation.positive(self, "timing")
        validation.at_most(self, "improvement_pct", 100)

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
