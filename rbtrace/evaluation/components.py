"""What could be optimized, and what to try first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rbtrace.evaluation import fields
from rbtrace.evaluation.fields import Number


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
        fields.text(self, "name")
        fields.text(self, "description")
        fields.not_negative(self, "expected_improvement")
        fields.at_most(self, "expected_improvement", 100)
        fields.positive(self, "implementation_effort")

    @property
    def priority(self) -> float:
        """Expected improvement for each unit of effort."""
        return float(self.expected_improvement) / float(self.implementation_effort)


def rank_components(
    components: Iterable[OptimizationComponent],
) -> tuple[OptimizationComponent, ...]:
    """The components, most improvement for the least effort first; equals by name."""
    return tuple(sorted(components, key=lambda component: (-component.priority, component.name)))
