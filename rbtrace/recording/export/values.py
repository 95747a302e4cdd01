"""Values of any kind → attribute values, names and keys that OpenTelemetry and OTLP can hold.

Total, and bounded in time and size: no method that a program has defined is ever called, since
nothing could bound what it does. Of what is not known the name of its type is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from rbtrace.errors import let_through
from rbtrace.recording.export.exceptions import text_of
from rbtrace.recording.export.scalars import LONGEST_TEXT, QUICK, Reader, cut, reader_of, shape_of
from rbtrace.recording.export.typenames import bases_of

LONGEST_NAME: Final = 512
"""Characters of the name of a span, an event or an attribute."""
MOST_UNITS: Final = 1024
"""How much of a container is looked at: a plain item is one unit, one of a derived type 2 or 8."""
MOST_ATTRIBUTES: Final = 128
"""Attributes that are taken at once, as many as a span holds by default."""
_DEEPEST: Final = 6
_INT64: Final = 2**63
_SHORT: Final = 32


def attribute_value(value: Any) -> Any:
    """The value if an attribute can hold it as it is; else what comes nearest.

    Returns:
        None, or a bool, int of 64 bits, float, str or bytes, or a list of one kind of these; no
        instance of a subclass.
    """
    kind = type(value)
    if kind is str:
        return value if len(value) <= LONGEST_TEXT and value.isascii() else cut(value)
    if kind is float or kind is bool or value is None:
        return value
    if kind is int and -_INT64 <= value < _INT64:
        return value
    try:
        return _Walk().value(value)
    except (RecursionError, MemoryError):
        return "<?>"
    except Exception as problem:  # noqa: BLE001 - changed by another thread meanwhile
        let_through(problem)
        return "<?>"


def text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """The value as a text of whole characters that is no longer than this."""
    if type(value) is str and len(value) <= longest and value.isascii():
        return value
    plain = attribute_value(value)
    return cut(plain if type(plain) is str else str(plain), longest)


def name(value: Any) -> str:
    """The value as the name of a span, an event or an attribute, which is never empty."""
    if type(value) is str and 0 < len(value) <= LONGEST_NAME and value.isascii():
        return value
    return text(value, LONGEST_NAME) or "<empty>"


def attributes_of(given: Any) -> dict[str, Any]:
    """The items of a dict as attributes; none of anything else, which only the program can read."""
    if type(given) is not dict and not is_dict(given):
        return {}
    attributes: dict[str, Any] = {}
    try:
        for key, value in islice(dict.items(given), MOST_ATTRIBUTES):
            is_name = type(key) is str and 0 < len(key) <= LONGEST_NAME and key.isascii()
            attributes[key if is_name else name(key)] = attribute_value(value)
    except RuntimeError:  # changed by another thread meanwhile
        return attributes
    return attributes


def is_dict(value: Any) -> bool:
    """Whether the value is a dict, or derived from it."""
    return any(base is dict for base in bases_of(type(value)))


def number(value: Any) -> float | None:
    """The value as a float, if it is a number of a known kind."""
    plain = attribute_value(value)
    try:
        return float(plain) if isinstance(plain, int | float | str) else None
    except ValueError:
        return None


def size(value: Any) -> int | None:
    """Number of items of a built-in container, an array or a frame; None of anything else."""
    container = _container_of(type(value))
    if container is not None:
        return container.length(value)
    shape = shape_of(value)
    return shape[0] if shape else None


class _Container:
    """How the items of a built-in container, or of one derived from it, are had."""

    __slots__ = ("brackets", "is_mapping", "items", "length")

    def __init__(
        self,
        brackets: str,
        items: Callable[[Any], Iterable[Any]],
        length: Callable[[Any], int],
        *,
        is_mapping: bool = False,
    ) -> None:
        self.brackets = brackets
        self.items = items
        self.length = length
        self.is_mapping = is_mapping


_LIST: Final = _Container("[]", list.__iter__, list.__len__)
_CONTAINERS: Final = {
    id(list): _LIST,
    id(tuple): _Container("()", tuple.__iter__, tuple.__len__),
    id(set): _Container("{}", set.__iter__, set.__len__),
    id(frozenset): _Container("{}", frozenset.__iter__, frozenset.__len__),
    id(dict): _Container("{}", dict.items, dict.__len__, is_mapping=True),
}


def _container_of(kind: type) -> _Container | None:
    for base in bases_of(kind):
        container = _CONTAINERS.get(id(base))
        if container is not None:
            return container
    return None


class _Walk:
    """One conversion, which counts what it has looked at."""

    __slots__ = ("_kind", "_left", "_row")

    def __init__(self) -> None:
        self._left = MOST_UNITS
        self._kind: type | None = None
        self._row: tuple[_Container | None, Reader | None] = (None, None)

    def value(self, value: Any) -> Any:
        """The value of an attribute."""
        container, value = self._opened(value)
        if container is None:
            return value
        if container.is_mapping:
            return cut(self._all_text(container, value, _DEEPEST))
        items: list[Any] = []
        for item in container.items(value):
            if self._left <= 0:
                items.append(f"... ({container.length(value) - len(items)} more)")
                break
            inner, plain = self._opened(item)
            items.append(plain if inner is None else self._all_text(inner, plain, _DEEPEST - 1))
        return _of_one_kind(items)

    def _opened(self, value: Any) -> tuple[_Container | None, Any]:
        """A container with how to read it; anything else as a plain value."""
        kind = type(value)
        if _is_ready(value):
            self._left -= 1
            return None, value
        if kind is not self._kind:  # most items are of the same type as the one before
            container = _container_of(kind)
            self._row = container, None if container else reader_of(kind)
            self._kind = kind
            self._left -= 6
        container, reader = self._row
        self._left -= 2 if reader in QUICK else 8
        if container is not None:
            return container, value
        plain = text_of(value) if reader is None else reader(value)
        if type(plain) is list:
            return _LIST, plain
        if type(plain) is str or type(plain) is bytes:
            self._left -= len(plain) >> 5
        return None, plain

    def _all_text(self, container: _Container, value: Any, deepest: int) -> str:
        opening, closing = container.brackets[0], container.brackets[1]
        if deepest <= 0:
            return f"{opening}...{closing}"
        parts: list[str] = []
        for item in container.items(value):
            if self._left <= 0:
                parts.append("...")
                break
            if container.is_mapping:
                key, of_key = (self._literal(part, deepest) for part in item)
                parts.append(f"{key}: {of_key}")
            else:
                parts.append(self._literal(item, deepest))
        return opening + ", ".join(parts) + closing

    def _literal(self, value: Any, deepest: int) -> str:
        container, plain = self._opened(value)
        if container is not None:
            return self._all_text(container, plain, deepest - 1)
        return repr(plain) if plain is value else str(plain)


def _is_ready(value: Any) -> bool:
    """Whether the value is plain and small."""
    kind = type(value)
    if kind is str:
        return len(value) <= _SHORT and value.isascii()
    if kind is int:
        return bool(-_INT64 <= value < _INT64)
    return kind is float or kind is bool or value is None


def _of_one_kind(items: list[Any]) -> list[Any]:
    """The items as OpenTelemetry wants an array: all bools, all ints, all floats or all texts."""
    kinds = set(map(type, items))
    if len(kinds) <= 1 and not kinds & {type(None), bytes}:
        return items
    if kinds == {int, float}:
        return [float(item) for item in items]
    return [cut(item if type(item) is str else str(item)) for item in items]
