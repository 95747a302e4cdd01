"""Tracing turned on by environment alone: what the start-up file in site-packages calls.

It runs at the start of every Python process of the environment while `RBTRACE_ENABLED` is set,
also in helpers such as pip: it looks at the settings and watches for rustybt to be imported, and
imports neither rustybt nor OpenTelemetry itself.
"""

from __future__ import annotations

import os


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
