"""Tests whether two functions agree, on given inputs or on those that Hypothesis generates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rbtrace.errors import EXIT_GATE_FAILED, RbtraceError
from rbtrace.evaluation.differences import EXACT, Difference, Tolerance, difference

EXAMPLES: Final = 1000

type Function = Callable[..., Any]
type Inputs = Iterable[tuple[Any, ...]] | Any
"""Tuples of arguments, or a strategy of Hypothesis that makes them."""


class NotEquivalentError(RbtraceError, AssertionError):
    """A candidate does not do what its baseline does; the message shows where."""

    exit_code: ClassVar[int] = EXIT_GATE_FAILED


@dataclass(frozen=True)
class Disagreement:
    """An input for which two functions differ.

    Attributes:
        arguments: the input, the simplest one found where Hypothesis made it.
        difference: the first place where what they gave differs.
    """

    arguments: tuple[Any, ...]
    difference: Difference

    def __str__(self) -> str:
        return f"with {', '.join(map(repr, self.arguments))}: {self.difference}"


def find_disagreement(
    baseline: Function,
    candidate: Function,
    inputs: Inputs,
    *,
    tolerance: Tolerance = EXACT,
    examples: int = EXAMPLES,
) -> Disagreement | None:
    """Look for an input for which the candidate does something else than the baseline.

    Both get copies of every input. They agree if they return the same, or raise errors of the
    same type, and leave their arguments in the same state.

    Args:
        baseline: what is right.
        candidate: what is to be tested.
        inputs: tuples of arguments, or a strategy of Hypothesis that makes them.
        tolerance: what counts as the same.
        examples: how many inputs a strategy makes; always the same ones.

    Returns:
        The first disagreement; of a strategy, the simplest that was found.
    """
    if _is_strategy(inputs):
        return _search(baseline, candidate, inputs, tolerance, examples)
    for arguments in inputs:
        disagreement = _try(baseline, candidate, arguments, tolerance)
        if disagreement is not None:
            return disagreement
    return None


def assert_equivalent(
    baseline: Function,
    candidate: Function,
    inputs: Inputs,
    *,
    tolerance: Tolerance = EXACT,
    examples: int = EXAMPLES,
) -> None:
    """The same as `find_disagreement`, for a test.

    Raises:
        NotEquivalentError: there is a disagreement; the message shows it.
    """
    disagreement = find_disagreement(
        baseline, candidate, inputs, tolerance=tolerance, examples=examples
    )
    if disagreement is not None:
        names = (
            getattr(function, "__name__", repr(function)) for function in (candidate, baseline)
        )
        raise NotEquivalentError(f"{' differs from '.join(names)} {disagreement}")


class _FoundError(Exception):
    """Carries a disagreement out of Hypothesis, which looks for a simpler one."""

    def __init__(self, disagreement: Disagreement) -> None:
        super().__init__("functions disagree")
        self.disagreement = disagreement


def _search(
    baseline: Function, candidate: Function, strategy: Any, tolerance: Tolerance, examples: int
) -> Disagreement | None:
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - who has a strategy has it

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def agree(arguments: tuple[Any, ...]) -> None:
        disagreement = _try(baseline, candidate, arguments, tolerance)
        if disagreement is not None:
            raise _FoundError(disagreement)

    try:
        agree()
    except _FoundError as problem:
        return problem.disagreement
    return None


def _try(
    baseline: Function, candidate: Function, arguments: tuple[Any, ...], tolerance: Tolerance
) -> Disagreement | None:
    given = deepcopy(arguments), deepcopy(arguments)
    expected = _outcome(baseline, given[0])
    actual = _outcome(candidate, given[1])
    first = difference(expected, actual, tolerance) or difference(
        given[0], given[1], place="arguments afterwards"
    )
    return None if first is None else Disagreement(arguments, first)


@dataclass(frozen=True)
class _Raised:
    """Stands for the result of a call that raised."""

    error: type[Exception]

    def __repr__(self) -> str:
        return f"{self.error.__name__} raised"


def _outcome(function: Function, arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except Exception as problem:  # noqa: BLE001 - whatever it is, the other one has to raise it too
        return _Raised(type(problem))


def _is_strategy(inputs: Inputs) -> bool:
    hypothesis = sys.modules.get("hypothesis.strategies")
    return hypothesis is not None and isinstance(inputs, hypothesis.SearchStrategy)
