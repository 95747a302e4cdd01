"""What searches at several fidelities have in common: candidates that climb from level to level."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

type Parameters = dict[str, Any]


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
