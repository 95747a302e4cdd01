"""What a type is called and derived from, read without running code of the type or its metaclass.

`type(value).__mro__` and the like ask the metaclass first, which a program may have written.
"""

from __future__ import annotations

from typing import Any, Final

LONGEST: Final = 256
"""Characters of a name beyond which the rest is left out."""

_IMMUTABLE: Final = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE

_attributes = type.__dict__
bases_of = _attributes["__mro__"].__get__
"""The type and those it is derived from, in the order of resolution."""
namespace_of = _attributes["__dict__"].__get__
"""What the type itself defines."""
_flags_of = _attributes["__flags__"].__get__
_name_of = _attributes["__name__"].__get__
_qualified_name_of = _attributes["__qualname__"].__get__
_module_of = _attributes["__module__"].__get__


def is_built_in(kind: type) -> bool:
    """Whether the type is written in C and cannot be changed: it is what its name says."""
    return bool(_flags_of(kind) & _IMMUTABLE)


def name_of(kind: type) -> str:
    """The name of a type."""
    return _whole(_name_of(kind))


def module_of(kind: type) -> str:
    """The module a type says it is of; nothing if it says something else than a name."""
    try:
        return _whole(_module_of(kind))
    except (AttributeError, TypeError):
        return ""


def qualified_name_of(kind: type) -> str:
    """The name of a type with its module, except for those of Python itself."""
    module, name = module_of(kind), _whole(_qualified_name_of(kind))
    return name if module in {"builtins", ""} else f"{module}.{name}"


def _whole(name: Any) -> str:
    """The name as an exact string that has a code in UTF-8."""
    short = str.__getitem__(name, slice(LONGEST))
    return short if short.isascii() else short.encode("utf-8", "replace").decode()
