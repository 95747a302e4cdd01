"""Turning tracing on and off from Python: `configure`, `instrument`, `uninstrument`, `shutdown`."""

from __future__ import annotations

from typing import Any

from rbtrace.errors import warn_once
from rbtrace.recording.engines.imports import AfterImport
from rbtrace.recording.engines.patching import Patches, rows_by_module
from rbtrace.recording.recorder import RECORDER
from rbtrace.settings import Settings

_patches = Patches()
_watch = AfterImport(rows_by_module(), _patches.apply)


def configure(**values: Any) -> Settings:
    """Change settings of this process and of the children it starts from now on.

    Args:
        **values: fields of `Settings`: `directory`, `detail`, `arm`, `params`, …

    Returns:
        The settings now in force.

    Raises:
        SettingError: a name is not a setting, or a value is not one it may have.
    """
    settings = _present().with_values(**values)
    RECORDER.settings = settings
    if settings.enabled or RECORDER.is_on:
        RECORDER.turn_on(settings)
    return RECORDER.settings


def instrument(**values: Any) -> None:
    """Trace rustybt from now on, in this process and its children. Calling it again is harmless.

    It may be called before or after rustybt is imported. Without an OpenTelemetry provider of the
    program's own, spans come from a private one; with one, they come from that.

    Args:
        **values: settings, as for `configure`.

    Raises:
        SettingError: a name is not a setting, or a value is not one it may have.
    """
    RECORDER.turn_on(_present().with_values(**values))
    _watch.install()


def uninstrument() -> None:
    """Put rustybt's own functions back and record nothing more. Calling it again is harmless."""
    _watch.remove()
    _patches.undo()
    RECORDER.turn_off()


def shutdown() -> None:
    """Uninstrument, deliver everything and close the files. The next `instrument` is a new run."""
    uninstrument()
    RECORDER.shutdown()


def traced_count() -> int:
    """How many rows of the table are wrapped in this process."""
    return len(_patches)


def _present() -> Settings:
    if RECORDER.is_on:
        return RECORDER.settings
    settings, problems = Settings.read()
    for problem in problems:
        warn_once(problem, f"{problem}; using the default")
    return settings
