"""Tracing turned on by environment alone: what the start-up file in site-packages calls.

It runs at the start of every Python process of the environment while `RBTRACE_ENABLED` is set,
also in helpers such as pip: it looks at the settings and watches for rustybt to be imported, and
imports neither rustybt nor OpenTelemetry itself.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def activate() -> None:
    """Trace rustybt in this process if the environment asks for it. Never raises."""
    if not os.environ.get("RBTRACE_ENABLED"):
        return
    try:
        from rbtrace.recording.recorder import turn_on_by_environment  # noqa: PLC0415 - only if on

        if turn_on_by_environment():
            from rbtrace.instrumentation.control import instrument  # noqa: PLC0415 - only if on

            instrument()
    except Exception as problem:  # noqa: BLE001 - tracing never stops the program it is in
        from rbtrace.errors import warn_once  # noqa: PLC0415

        warn_once("activate", f"tracing stays off: {problem!r}")


def start_up_file() -> Path | None:
    """Where this Python finds the start-up file; None if tracing by environment cannot work."""
    import site  # noqa: PLC0415 - only commands ask
    import sys  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    if sys.flags.no_site:
        return None
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    found = (Path(folder) / "rbtrace.pth" for folder in folders)
    return next((path for path in found if path.exists()), None)
