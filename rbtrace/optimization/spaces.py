"""Search spaces: the axes of rustybt's parameters, candidates at a fidelity, and schedulers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from rbtrace.errors import SearchError

type Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter of rustybt's.

    Libraries draw the number of a value where values can be counted: they take plain numbers
    only, and rustybt's choices are anything.
    """

    parameter: Any

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.parameter.name)

    @property
    def values(self) -> list[Any] | None:
        """All its values, in order; None if it is continuous."""
        parameter = self.parameter
        if hasattr(parameter, "choices"):
            return list(parameter.choices)
        if hasattr(parameter, "step"):
            return list(range(parameter.min_value, parameter.max_value + 1, parameter.step))
        return None

    @property
    def is_ordered(self) -> bool:
        """Whether values that are next to each other are alike."""
        return not hasattr(self.parameter, "choices")

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value of a continuous one."""
        return float(self.parameter.min_value), float(self.parameter.max_value)

    @property
    def is_logarithmic(self) -> bool:
        """Whether a continuous one is drawn evenly by its logarithm.

        A normal prior is taken for a uniform one.
        """
        return bool(self.parameter.prior == "log-uniform")

    def value(self, drawn: Any) -> Any:
        """The value of what a library drew: its number, or itself if it is continuous."""
        values = self.values
        return float(drawn) if values is None else values[int(drawn)]


def search_axes(space: Any, fidelity: str) -> list[Axis]:
    """The parameters to search: all but the fidelity.

    Raises:
        SearchError: there is none.
    """
    axes = [Axis(parameter) for parameter in space.parameters if parameter.name != fidelity]
    if not axes:
        raise SearchError(f"the space has no parameter besides the fidelity {fidelity!r}")
    return axes


def fidelity_levels(space: Any, fidelity: str) -> list[Any]:
    """The values of the fidelity, ascending.

    Raises:
        SearchError: there is no such parameter, or its values are not levels.
    """
    axes = [Axis(parameter) for parameter in space.parameters if parameter.name == fidelity]
    if not axes:
        names = ", ".join(parameter.name for parameter in space.parameters)
        raise SearchError(f"no parameter is called {fidelity!r}; there are {names}")
    values = axes[0].values
    if values is None:
        raise SearchError(f"the fidelity {fidelity!r} is continuous: give its levels as choices")
    if not all(isinstance(value, int | float) and value > 0 for value in values):
        raise SearchError(f"the levels of {fidelity!r} have to be positive numbers: {values}")
    return sorted(values)


@dataclass(slots=True)
class Candidate:
    """A configuration that is to be evaluated.

    Attributes:
        parameters: the configuration, without the fidelity.
        level: the place of the level among those there are, ascending.
        origin: what the scheduler needs to know it by.
    """

    parameters: Parameters
    level: int
    origin: Any = field(repr=False, default=None)


class Scheduler(Protocol):
    """Says what is to be evaluated next, and learns from the scores."""

    def next(self) -> Candidate:
        """The next candidate; there has to be one."""

    def score(self, candidate: Candidate, score: float) -> None:
        """Take the score of a candidate; higher is better, not finite for a failure."""

    @property
    def is_exhausted(self) -> bool:
        """Whether there is no next candidate, as far as the scores tell that are known."""


def key_of(parameters: Parameters) -> tuple[str, ...]:
    """A configuration as rustybt tells values apart: by their text."""
    return tuple(str(value) for _, value in sorted(parameters.items()))
