"""Tracing turned on by environment alone: what the start-up file in site-packages calls.

It runs at the start of every Python process of the environment while `RBTRACE_ENABLED` is set,
also in helpers such as pip: it looks at the settings and watches for rustybt to be imported, and
imports neither rustybt nor OpenTelemetry itself.
"""

from __future__ import annotations

import os
import sys

from rbtrace.recording.preconditions import in_main_interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def activate() -> None:
    """Trace rustybt in this process if the environment asks for it. Never raises."""
    if not os.environ.get("RBTRACE_ENABLED") or not in_main_interpreter():
        return
    try:
        from rbtrace.recording.preconditions import Watch, check_imported  # noqa: PLC0415 - only if on

        check_imported()
        with Watch():
            _activate()
    except Exception as problem:  # noqa: BLE001 - tracing never stops the program it is in
        from rbtrace.errors import warn_once  # noqa: PLC0415

        os.environ.pop("RBTRACE_ENABLED", None)
        warn_once("activate", f"tracing stays off: {problem!r}")


def _activate() -> None:
    from rbtrace.recording.recorder import turn_on_by_environment  # noqa: PLC0415 - only if on

    if turn_on_by_environment():
        from rbtrace.recording.engines.control import instrument  # noqa: PLC0415 - only if on

        instrument()


def activate_at_start_up(before: Container[str]) -> None:
    """Do so for the start-up file, before it is known what the program's own modules are.

    Args:
        before: names of the modules that were imported before this one.
    """
    from rbtrace.recording.engines.own_name import OwnName  # noqa: PLC0415 - only if on
    from rbtrace.recording.preconditions import note_path  # noqa: PLC0415 - only if on

    if not in_main_interpreter():
        return
    note_path()
    activate()
    control = sys.modules.get("rbtrace.recording.engines.control")
    OwnName(None if control is None else control.uninstrument).put_aside(before)


def start_up_file() -> Path | None:
    """Where this Python finds the start-up file; None if tracing by environment cannot work."""
    import site  # noqa: PLC0415 - only commands ask
    from pathlib import Path  # noqa: PLC0415

    if sys.flags.no_site:
        return None
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    files = (Path(folder) / "rbtrace.pth" for folder in folders)
    return next((path for path in files if path.exists()), None)
