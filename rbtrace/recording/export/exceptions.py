"""What an exception says, read without running code of the program's.

`str(error)` and `traceback.format_exception` call methods that the program may have written, and
ask the arguments of the exception for their text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Final

from rbtrace.recording.export import clock
from rbtrace.recording.export.scalars import LONGEST_TEXT, cut, reader_of
from rbtrace.recording.export.typenames import bases_of, name_of, namespace_of, qualified_name_of

_MOST_ARGUMENTS: Final = 8
_MOST_FRAMES: Final = 32
_DEEPEST: Final = 10_000
_MOST_ERRORS: Final = 1024

traceback_of = BaseException.__dict__["__traceback__"].__get__
_arguments_of = BaseException.__dict__["args"].__get__
_exit_code_of = SystemExit.__dict__["code"].__get__
_SIMPLE: Final = frozenset(map(id, (type(None), bool, int, float, str, bytes)))
_FIELDS: Final = {
    id(BaseException): (),
    id(KeyError): (),
    id(OSError): ("errno", "strerror", "filename", "filename2"),
    id(UnicodeDecodeError): (),
    id(UnicodeEncodeError): (),
}
"""Types whose own text is made of the arguments and these fields."""


def type_of(error: BaseException) -> str:
    """The qualified name of the exception's type, with its module if that is not Python's own."""
    return qualified_name_of(type(error))


def is_failure(error: BaseException) -> bool:
    """Whether work that ended with this exception failed: it may have been closed, or done."""
    bases = bases_of(type(error))
    if any(base is SystemExit for base in bases):
        code = _exit_code_of(error)
        return not (code is None or (type(code) is int and code == 0))
    return not any(base is GeneratorExit for base in bases)


def message_of(error: BaseException) -> str:
    """What `str(error)` gives if that is Python's own doing; else the arguments as texts."""
    arguments = _arguments_of(error)
    for base in bases_of(type(error)):
        if "__str__" not in namespace_of(base):
            continue
        fields = _FIELDS.get(id(base))
        if fields is not None:
            own = namespace_of(base)
            parts = (*arguments, *(own[field].__get__(error) for field in fields))
            if all(map(_is_simple, parts)):
                return cut(base.__str__(error))
        break
    return cut(", ".join(map(_argument, arguments[:_MOST_ARGUMENTS])))


def text_of(value: Any) -> str:
    """Type and message of an exception; of another value that is not known, the type's name."""
    if any(base is BaseException for base in bases_of(type(value))):
        return cut(f"{name_of(type(value))}: {message_of(value)}")
    return f"<{name_of(type(value))}>"


def stack_of(error: BaseException) -> str:
    """The innermost calls the exception came through, as a traceback without the source lines."""
    lines = ["Traceback (most recent call last):"]
    for entry in deque(tracebacks_of(error), _MOST_FRAMES):
        code = entry.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {entry.tb_lineno}, in {code.co_name}')
    lines.append(f"{type_of(error)}: {message_of(error)}")
    return "\n".join(lines)


def tracebacks_of(error: BaseException) -> Iterator[TracebackType]:
    """The entries of the exception's traceback, outermost first; not endlessly many."""

    def entries(entry: TracebackType | None) -> Iterator[TracebackType]:
        while entry is not None:
            yield entry
            entry = entry.tb_next

    return islice(entries(traceback_of(error)), _DEEPEST)


def _is_simple(value: Any) -> bool:
    if id(type(value)) not in _SIMPLE:
        return False
    if type(value) is int:
        return value.bit_length() <= LONGEST_TEXT
    return not isinstance(value, str | bytes) or len(value) <= LONGEST_TEXT


def _argument(value: Any) -> str:
    reader = reader_of(type(value))
    plain = f"<{name_of(type(value))}>" if reader is None else reader(value)
    return cut(plain if type(plain) is str else str(plain))


class RecordedErrors:
    """The exceptions that spans have recorded lately, by address and the way they had come.

    Exceptions belong to the program: nothing is noted on them, none is kept alive. Another one at
    the same address has not come through the same entry of a traceback since the span started.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, tuple[int, ...]]] = {}

    def has(self, error: BaseException, since: int) -> bool:
        """Whether a span recorded the exception since then (ns); from now on one has."""
        when, way = self._known.get(id(error), (-1, ()))
        is_known = when >= since and any(
            id(entry) == way[0] and _way_from(entry) == way for entry in tracebacks_of(error)
        )
        if len(self._known) >= _MOST_ERRORS:
            self._known.clear()
        entry = traceback_of(error)
        if entry is not None:
            self._known[id(error)] = clock.now_ns(), _way_from(entry)
        return is_known


def _way_from(entry: TracebackType) -> tuple[int, ...]:
    """The entry, and where in which code it and the next two stand."""
    way = [id(entry)]
    following: TracebackType | None = entry
    for _ in range(3):
        if following is None:
            break
        way += (id(following.tb_frame.f_code), following.tb_lasti)
        following = following.tb_next
    return tuple(way)


RECORDED_ERRORS: Final = RecordedErrors()
"""Those of this process."""
