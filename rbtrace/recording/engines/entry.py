"""What the start-up file in site-packages runs: a copy of this module, with a name of its own.

The program may have a `rbtrace` of its own, first on the path. So this looks where the name leads
before it imports anything of that name. It is used while `RBTRACE_ENABLED` is set.
"""

# Nothing may be imported that the program might have a module for.
# ruff: noqa: PTH113, PTH118

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

_is_done = False


def activate() -> None:
    """Trace this process if that is possible. Never raises."""
    global _is_done  # noqa: PLW0603 - a virtual environment reads its start-up files twice
    if _is_done or not os.environ.get("RBTRACE_ENABLED"):
        return
    _is_done = True
    try:
        spec = PathFinder.find_spec("rbtrace")
        locations = list(spec.submodule_search_locations or ()) if spec is not None else []
        if any(
            os.path.isfile(os.path.join(location, "recording", "engines", "entry.py"))
            for location in locations
        ):
            _activate_from_package()
        elif spec is not None:
            place = spec.origin or ", ".join(locations)
            _say(f"{place} has the name of the tracing package")
    except Exception as problem:  # noqa: BLE001 - tracing never stops the program it is in
        _say(repr(problem))


def _activate_from_package() -> None:
    before = frozenset(sys.modules)
    from rbtrace.recording.engines.startup import activate_at_start_up  # noqa: PLC0415 - see above

    activate_at_start_up(before)


def _say(reason: str) -> None:
    try:
        sys.stderr.write(f"rbtrace: warning: tracing stays off: {reason}\n")
    except (OSError, ValueError, AttributeError):
        return  # standard error is closed or missing: there is nobody to tell
