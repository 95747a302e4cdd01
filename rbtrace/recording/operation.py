"""An operation: the name, scope and attributes that all spans of one callable share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rbtrace.conventions import CATEGORY, CODE_FUNCTION_NAME, USER_SCOPE_NAME, Category
from rbtrace.errors import let_through
from rbtrace.recording.export.values import attributes_of, text
from rbtrace.recording.export.values import name as name_of

Extractor = Callable[..., Mapping[str, Any]]
"""Gives attributes. Before a call it takes the call's own arguments, after it the result."""


_USER: Final = str(Category.USER)


@dataclass(slots=True, eq=False)  # frozen, making one takes four times as long
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
    try:
        module = getattr(function, "__module__", None)
        qualified = getattr(function, "__qualname__", None)
    except Exception as problem:  # noqa: BLE001 - a callable object with its own attributes
        let_through(problem)
        module = qualified = None
    code = f"{text(module or '?')}.{text(qualified or name)}"
    attributes = {CATEGORY: text(category), CODE_FUNCTION_NAME: code}
    return Operation(name_of(name), scope, attributes, **how)


def block(name: str, attributes: Mapping[str, Any]) -> Operation:
    """The operation of a `span(name, **attributes)` block."""
    chosen = attributes_of(attributes)
    category = text(chosen.pop("category", _USER))
    return Operation(name_of(name), USER_SCOPE_NAME, {CATEGORY: category, **chosen})
