"""Which of a process's interpreters this is: tracing is one for each process, in the main one."""

from __future__ import annotations

import _thread


def in_main_interpreter() -> bool:
    """Whether this is the interpreter the process began with."""
    known = getattr(_thread, "_is_main_interpreter", None)  # from Python 3.13 on
    if known is not None:
        return bool(known())
    try:
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        return True  # this Python has no others
    return bool(interpreters.get_current() == interpreters.get_main())
