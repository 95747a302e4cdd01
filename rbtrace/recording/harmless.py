"""How tracing's own code in calls of the program fails: it is said once, and nothing comes out.

All of it runs in `try`, whose `except Exception` calls `excuse`. What is not an `Exception`, such
as `KeyboardInterrupt`, comes from a signal handler of the program's and is on its way through. The
call stands in a `try` of its own where it is made, and not in a `with`: at the limit of recursion
no call succeeds.
"""

from __future__ import annotations

from rbtrace.errors import warn_once


def excuse(what: str, problem: Exception) -> None:
    """Say, once, what is not done and why."""
    from rbtrace.recording.export.exceptions import text_of  # noqa: PLC0415 - if needed

    warn_once(what, f"{what}: {text_of(problem)}")
