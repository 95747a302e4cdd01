"""Single values of known kinds → None, a bool, int, float, str or bytes, by built-in methods only.

A kind is known by a base of the value's type that is built in, so an `IntEnum` is read as an int
and a `numpy.str_` as a str, whatever they override. Types of packages are known by their names,
and taken at their word only if they are written in C; nothing is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from rbtrace.recording.export.typenames import (
    bases_of,
    is_built_in,
    module_of,
    name_of,
    namespace_of,
    qualified_name_of,
)

LONGEST_TEXT: Final = 4096
"""Characters of a text, or bytes, beyond which the rest is cut off."""
CUT_MARK: Final = "... (cut)"
"""What stands in the place of what is cut off."""

_INT64: Final = 2**63
_MOST_BITS: Final = 512

Reader = Callable[[Any], Any]


def reader_of(kind: type) -> Reader | None:
    """What reads values of this type; None if nothing is known of it."""
    for base in bases_of(kind):
        reader = _READERS.get(id(base))
        if reader is not None:
            return reader
        if base is not object and is_built_in(base):
            foreign_reader = _FOREIGN.get(f"{module_of(base)}.{name_of(base)}")
            if foreign_reader is not None:
                return lambda value: foreign_reader(base, value)
    return _read_exact(kind)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or a frame; None of anything else."""
    kind = type(value)
    for base in bases_of(kind):
        if is_built_in(base) and f"{module_of(base)}.{name_of(base)}" == "numpy.ndarray":
            return tuple(base.shape.__get__(value))
    return tuple(value.shape) if _read_exact(kind) is _frame else None


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text with no more characters than that, and `?` for half characters."""
    if len(text) > longest:
        text = text[: longest - len(CUT_MARK)] + CUT_MARK
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text(value: str) -> str:
    return cut(str.__getitem__(value, slice(LONGEST_TEXT + 1)))


def _whole_number(value: int) -> int | str:
    """The int; of one beyond 64 bits the digits, of a huge one only its length: digits are slow."""
    plain = int.__int__(value)
    if -_INT64 <= plain < _INT64:
        return plain
    bits = plain.bit_length()
    return str(plain) if bits <= _MOST_BITS else f"<int of {bits} bits>"


def _bytes(value: bytes) -> bytes:
    return bytes.__getitem__(value, slice(LONGEST_TEXT))


def _bytearray(value: bytearray) -> bytes:
    return bytes(bytearray.__getitem__(value, slice(LONGEST_TEXT)))


def _datetime(value: datetime) -> str:
    """ISO format; of a time zone that is not the standard library's, the name of its type."""
    if name_of(type(value)) == "NaTType":
        return "NaT"
    zone = _ZONE(value)
    moment = datetime.combine(datetime.date(value), datetime.time(value))
    if zone is None:
        return moment.isoformat()
    if type(zone) is timezone or type(zone) is ZoneInfo:
        return moment.replace(tzinfo=zone).isoformat()
    return f"{moment.isoformat()} [{name_of(type(zone))}]"


def _time(value: time) -> str:
    return time(*(read(value) for read in _TIME_PARTS)).isoformat()


def _enum(value: Enum) -> str:
    """`Class.MEMBER`, read from the member's own dictionary."""
    own = _ENUM_DICTIONARY(value)
    shown = own.get("_name_") or own.get("_value_")  # a flag of several has no name of its own
    return f"{name_of(type(value))}.{_text(shown) if type(shown) is str else 0}"


def _range(value: range) -> str:
    return f"range({', '.join(str(_whole_number(limit)) for limit in _limits(value))})"


def _limits(value: range) -> tuple[int, ...]:
    return (value.start, value.stop) if value.step == 1 else (value.start, value.stop, value.step)


def _class(value: type) -> str:
    return f"<class '{qualified_name_of(value)}'>"


def _function(value: Any) -> str:
    return f"<function {_text(namespace_of(type(value))['__qualname__'].__get__(value))}>"


def _decimal(base: Any, value: Any) -> str:
    """The digits, if they are not too many."""
    is_long = base.__sizeof__(value) > LONGEST_TEXT
    return "<Decimal of many digits>" if is_long else base.__str__(value)


def _numpy_number(base: Any, value: Any) -> Any:
    plain = base.item(value)
    if type(plain) is bool or (type(plain) is int and -_INT64 <= plain < _INT64):
        return plain
    return str(plain)


def _array(base: Any, value: Any) -> Any:
    """The items of a small array, as a list; the shape of another."""
    if base.nbytes.__get__(value) <= LONGEST_TEXT and base.ndim.__get__(value):
        return base.tolist(value)
    return f"<{name_of(type(value))} {base.shape.__get__(value)}>"


def _asset(base: Any, value: Any) -> str:
    sid, symbol = base.sid.__get__(value), base.symbol.__get__(value)
    return f"{name_of(type(value))}({sid if type(sid) is int else '?'} [{_text(symbol)}])"


def _read_exact(kind: type) -> Reader | None:
    """Types written in Python, which their methods can be asked of if they are the very types."""
    if any(kind is path for path in (PosixPath, PurePosixPath, WindowsPath, PureWindowsPath)):
        return _path
    if kind is UUID:
        return str
    package = module_of(kind).partition(".")[0]
    if (package, name_of(kind)) not in _FRAMES:
        return None
    known = vars(sys.modules[package]).get(name_of(kind))
    return _frame if known is kind else None


def _path(value: Any) -> str:
    """The text of a path, unless it has yet to be made of a great many parts."""
    made = getattr(value, "_str", None)
    if type(made) is not str and sum(map(len, getattr(value, "_raw_paths", ()))) > LONGEST_TEXT:
        return f"<{name_of(type(value))}>"
    return _text(str(value))


def _frame(value: Any) -> str:
    return f"<{name_of(type(value))} {tuple(value.shape)}>"


_ZONE: Final = datetime.__dict__["tzinfo"].__get__
_TIME_PARTS: Final = tuple(
    time.__dict__[part].__get__ for part in ("hour", "minute", "second", "microsecond")
)
_ENUM_DICTIONARY: Final = Enum.__dict__["__dict__"].__get__

_BUILT_IN: Final[Mapping[type, Reader]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    int: _whole_number,
    float: float.__float__,
    complex: complex.__repr__,
    str: _text,
    bytes: _bytes,
    bytearray: _bytearray,
    datetime: _datetime,
    date: date.isoformat,
    time: _time,
    timedelta: timedelta.__str__,
    Enum: _enum,
    range: _range,
    type: _class,
    FunctionType: _function,
    BuiltinFunctionType: _function,
}
_READERS: Final = {id(base): reader for base, reader in _BUILT_IN.items()}
"""By the address of the type, since asking a type for its hash asks its metaclass."""

QUICK: Final = frozenset((_text, _whole_number, float.__float__))
"""Readers that take no longer than a few hundred nanoseconds."""

_FOREIGN: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "decimal.Decimal": _decimal,
    "numpy.bool": _numpy_number,
    "numpy.bool_": _numpy_number,
    "numpy.complexfloating": _numpy_number,
    "numpy.datetime64": lambda base, value: base.__str__(value),
    "numpy.floating": lambda base, value: base.__float__(value),
    "numpy.integer": _numpy_number,
    "numpy.timedelta64": lambda base, value: base.__str__(value),
    "numpy.ndarray": _array,
    "rustybt.assets._assets.Asset": _asset,
}
_FRAMES: Final = frozenset(
    (package, name)
    for package, names in (
        ("pandas", ("DataFrame", "Series", "Index", "RangeIndex", "DatetimeIndex", "MultiIndex")),
        ("polars", ("DataFrame", "Series")),
    )
    for name in names
)
