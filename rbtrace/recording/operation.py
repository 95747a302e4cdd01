"""What a traced callable is called in traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rbtrace.conventions import CATEGORY, CODE_FUNCTION_NAME, USER_SCOPE_NAME, Category
from rbtrace.recording.values import attribute_value

Extractor = Callable[..., Mapping[str, Any]]
"""Gives attributes. Before a call it takes the call's own arguments, after it the result."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Name, scope and attributes that all spans of one callable share."""

    name: str
    scope: str = USER_SCOPE_NAME
    attributes: Mapping[str, Any] = field(default_factory=dict)
    before: Extractor | None = None
    after: Extractor | None = None
    measures_cpu: bool = False
    attaches: bool = True
    """Whether a hot call makes its summary the current span: not needed inside the engine."""
    is_trial: bool = False
    """Whether a span may become a trace of its own, linked to its parent, in a large sweep."""


def describe(
    function: Callable[..., Any], name: str, category: str, scope: str, **how: Any
) -> Operation:
    """The operation of a callable: its attributes name the code and the category.

    Args:
        function: what is traced.
        name: name of its spans.
        category: kind of work.
        scope: instrumentation scope.
        **how: further fields of `Operation`.
    """
    module = getattr(function, "__module__", None) or "?"
    qualified = getattr(function, "__qualname__", None) or name
    attributes = {CATEGORY: category, CODE_FUNCTION_NAME: f"{module}.{qualified}"}
    return Operation(name, scope, attributes, **how)


def block(name: str, attributes: Mapping[str, Any]) -> Operation:
    """The operation of a `span(name, **attributes)` block."""
    chosen = {name: attribute_value(value) for name, value in attributes.items()}
    category = chosen.pop("category", Category.USER)
    return Operation(name, USER_SCOPE_NAME, {CATEGORY: category, **chosen})
