"""rustybt's parameters in Optuna's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbtrace.errors import MissingExtraError, SearchError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter of rustybt's."""

    parameter: Any

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.parameter.name)

    def distribution(self) -> BaseDistribution:
        """The distribution Optuna draws from. A normal prior is taken for a uniform one.

        Raises:
            MissingExtraError: Optuna is not installed.
        """
        try:
            from optuna import distributions  # noqa: PLC0415 - heavy
        except ModuleNotFoundError as problem:
            raise MissingExtraError("optuna", "a multi-fidelity search") from problem

        one = self.parameter
        if hasattr(one, "choices"):
            # By number: Optuna takes plain values only, rustybt anything.
            return distributions.CategoricalDistribution(range(len(one.choices)))
        if hasattr(one, "step"):
            return distributions.IntDistribution(one.min_value, one.max_value, step=one.step)
        return distributions.FloatDistribution(
            float(one.min_value), float(one.max_value), log=one.prior == "log-uniform"
        )

    def value(self, drawn: Any) -> Any:
        """The value of what Optuna drew, as rustybt has it."""
        return self.parameter.choices[drawn] if hasattr(self.parameter, "choices") else drawn


def search_axes(space: Any, fidelity: str) -> list[Axis]:
    """The parameters to search: all but the fidelity.

    Raises:
        SearchError: there is none.
    """
    axes = [Axis(one) for one in space.parameters if one.name != fidelity]
    if not axes:
        raise SearchError(f"the space has no parameter besides the fidelity {fidelity!r}")
    return axes


def fidelity_levels(space: Any, fidelity: str) -> list[Any]:
    """The values of the fidelity, ascending.

    Raises:
        SearchError: there is no such parameter, or its values are not levels.
    """
    found = [one for one in space.parameters if one.name == fidelity]
    if not found:
        names = ", ".join(one.name for one in space.parameters)
        raise SearchError(f"no parameter is called {fidelity!r}; there are {names}")
    (one,) = found
    if hasattr(one, "choices"):
        values = list(one.choices)
    elif hasattr(one, "step"):
        values = list(range(one.min_value, one.max_value + 1, one.step))
    else:
        raise SearchError(f"the fidelity {fidelity!r} is continuous: give its levels as choices")
    if not all(isinstance(value, int | float) and value > 0 for value in values):
        raise SearchError(f"the levels of {fidelity!r} have to be positive numbers: {values}")
    return sorted(values)
