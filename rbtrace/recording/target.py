"""The name of a function or method that is wrapped where it is defined, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What a row of a table wraps."""

    target: str
    """`module:function` or `module:Class.method`."""

    @property
    def module(self) -> str:
        """The module that defines the target."""
        return self.target.partition(":")[0]

    @property
    def path(self) -> str:
        """The target's qualified name in its module."""
        return self.target.partition(":")[2]


@dataclass(frozen=True, slots=True)
class PropagationPoint(Target):
    """A function that starts work elsewhere, and how it is wrapped."""

    wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
