"""Names of a package that are imported when they are first used."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes longer than importing rbtrace
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def load(namespace: dict[str, Any], modules: Mapping[str, str], name: str) -> Any:
    """Import a name of a package and keep it there: what the package's `__getattr__` does.

    Args:
        namespace: the package's `globals()`.
        modules: the full name of the module that has each name.
        name: what is wanted.

    Raises:
        AttributeError: the package has no such name.
    """
    module = modules.get(name)
    if module is None:
        raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not before a name is used

    value = namespace[name] = getattr(import_module(module), name)
    return value
