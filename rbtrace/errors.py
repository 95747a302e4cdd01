"""Errors with an exit code, and the one way to warn inside somebody else's program.

Every error a user can cause is an `RbtraceError`; its message names what is wrong, where, and
what to do about it. The command line prints the message and leaves with `exit_code`; nothing else
decides about exit codes.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from types import FrameType

EXIT_GOOD = 0
EXIT_GATE_FAILED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_BUG = 70


def exit_code_of_interrupt() -> int:
    """The exit code of a command that Ctrl-C has ended: 128 and the number of SIGINT.

    CPython remembers a `KeyboardInterrupt` that came out of code given as text, as dataclasses and
    named tuples are made of, and ends the process by the signal although it has been handled since.
    The next code given as text has it forget that.
    """
    exec("")  # noqa: S102 - see above
    return 130


class RbtraceError(Exception):
    """Something the user can mend. `exit_code` is what the command line leaves with."""

    exit_code: ClassVar[int] = EXIT_USAGE


class SettingError(RbtraceError, ValueError):
    """A setting has a value that is not one of those it may have."""


class InputError(RbtraceError):
    """A file or folder to be analyzed is missing, unreadable, empty or not a trace."""


class DeliveryError(RbtraceError):
    """Kept spans could not all be sent; what was sent is remembered."""

    exit_code = EXIT_GATE_FAILED


class FilterError(RbtraceError, ValueError):
    """A filter that cannot be understood; the message says where, counted from 1, and why."""

    def __init__(self, text: str, at: int, problem: str) -> None:
        super().__init__(f"filter {text!r}, position {at + 1}: {problem}")
        self.position = at + 1


class SearchError(RbtraceError, ValueError):
    """A parameter search cannot be set up as asked, or was told what it did not suggest."""


class MissingExtraError(RbtraceError, ImportError):
    """An optional package is needed; the message gives the exact install command."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs an extra: pip install 'rbtrace[{extra}]'")
        self.extra = extra


def let_through(problem: BaseException) -> None:
    """Raise an exception again that is not tracing's own but a signal handler's of the program.

    A handler runs between two bytecodes, also of tracing's code, and raises there: a time limit by
    `signal.alarm` does. It is told by how it is called: with the number of the signal and a frame.

    Raises:
        BaseException: `problem`, if it is such a one.
    """
    traceback = problem.__traceback__
    while traceback is not None:
        if _is_signal_handler(traceback.tb_frame):
            raise problem
        traceback = traceback.tb_next


def _is_signal_handler(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_filename.startswith(_PACKAGE):
        return False
    count = code.co_argcount + bool(code.co_flags & 0x04)  # *args
    values = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
    if count > code.co_argcount:
        rest = frame.f_locals.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        values += rest if isinstance(rest, tuple) else ()
    return any(
        isinstance(number, int) and isinstance(interrupted, _FRAME)
        for number, interrupted in itertools.pairwise(values)
    )


_PACKAGE = __file__.removesuffix("errors.py")
_FRAME = type(sys._getframe())

_warned: set[str] = set()


def warn_once(subject: str, message: str) -> None:
    """Write one line to standard error, once per process and subject.

    Tracing runs inside other people's programs: it never raises into them, and what it has to say
    it says once.

    Raises:
        BaseException: the one that is being handled, if a signal handler of the program raised it.
    """
    problem = sys.exception()
    if problem is not None:
        let_through(problem)
    if subject in _warned:
        return
    _warned.add(subject)
    try:
        sys.stderr.write(f"rbtrace: warning: {message}\n")
    except (OSError, ValueError, AttributeError):
        return  # standard error is closed or missing: there is nobody to tell


def forget_warnings() -> None:
    """Let every subject warn again (a new process after a fork, a new test)."""
    _warned.clear()
