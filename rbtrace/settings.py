"""Settings: environment variables → one frozen `Settings`.

`SETTINGS` is the one table of them; `docs/settings.md` and `rbtrace doctor` are made from it. A
value that is not allowed is reported and replaced by the default: tracing never stops the traced
program. `Settings.strict` raises instead, for the command line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from rbtrace.errors import SettingError, warn_once

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})

DETAILS: Final = ("summary", "calls")
SAMPLERS: Final = ("off", "signal", "pyinstrument")

_DIRECTORY: Final = "rbtrace-out"
_LONGEST_RUN_ID: Final = 128
_LONGEST_SHOWN: Final = 100


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in _TRUE or lowered in _FALSE:
        return lowered in _TRUE
    raise ValueError("use 1 or 0")


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        lowered = text.strip().lower()
        if lowered in choices:
            return lowered
        raise ValueError("use " + " or ".join(choices))

    return parse


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 < number < float("inf"):
        return number
    raise ValueError("use a number greater than 0")


def _optional_text(text: str) -> str | None:
    """The text with `?` for bytes that are no characters, which no trace can hold."""
    return text.strip().encode("utf-8", "replace").decode() or None


def _optional_int(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        raise ValueError("use a whole number") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError("use a whole number of 64 bits")
    return number


def _folder(text: str) -> Path:
    """A folder, also one that is not there yet; whether it can be written is seen when it is."""
    if not text.strip():
        return Path(_DIRECTORY)
    try:
        Path(text).expanduser()
    except RuntimeError:
        raise ValueError("that user's home folder is not known") from None
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError("use characters a file name can have") from None
    if b"\0" in name:
        raise ValueError("use characters a file name can have")
    return Path(text)


def _run_id(text: str) -> str | None:
    stripped = text.strip()
    if len(stripped) > _LONGEST_RUN_ID:
        raise ValueError(f"use no more than {_LONGEST_RUN_ID} characters")
    if stripped and not all(sign.isalnum() or sign in "-_." for sign in stripped):
        raise ValueError("use letters, digits, '-', '_' and '.'")
    if stripped in {".", ".."}:
        raise ValueError("use a name that can be a folder")
    return stripped or None


class Setting(NamedTuple):
    """One row of the settings table."""

    variable: str
    field: str
    default: str
    parse: Callable[[str], Any]
    meaning: str


SETTINGS: Final = (
    Setting("RBTRACE_ENABLED", "enabled", "0", _flag, "turn tracing on"),
    Setting(
        "RBTRACE_DIR",
        "directory",
        _DIRECTORY,
        _folder,
        "where files go: one folder per run id, one file per process",
    ),
    Setting(
        "RBTRACE_DETAIL",
        "detail",
        "summary",
        _choice(*DETAILS),
        "`summary` aggregates hot calls, `calls` records a span for each",
    ),
    Setting(
        "RBTRACE_SAMPLER",
        "sampler",
        "off",
        _choice(*SAMPLERS),
        "`off`, `signal` (low overhead) or `pyinstrument`",
    ),
    Setting(
        "RBTRACE_SAMPLE_INTERVAL_MS",
        "sample_interval_ms",
        "10",
        _positive_number,
        "sampling interval, ms; 0.1 at least",
    ),
    Setting("RBTRACE_ARM", "arm", "", _optional_text, "sets `rbtrace.arm`"),
    Setting("RBTRACE_PAIR", "pair", "", _optional_int, "sets `rbtrace.pair`"),
    Setting("RBTRACE_ORDER", "order", "", _optional_int, "sets `rbtrace.order`"),
    Setting(
        "RBTRACE_PARAMS", "params", "0", _flag, "record parameter values and exception messages"
    ),
    Setting("RBTRACE_RUN_ID", "run_id", "", _run_id, "made when empty; inherited by children"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment asks for. Build it with `Settings.read` or `Settings.strict`."""

    enabled: bool = False
    directory: Path = Path(_DIRECTORY)
    detail: str = "summary"
    sampler: str = "off"
    sample_interval_ms: float = 10.0
    arm: str | None = None
    pair: int | None = None
    order: int | None = None
    params: bool = False
    run_id: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> tuple[Self, list[str]]:
        """Read the environment; return the settings and one line for each unusable value."""
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        problems: list[str] = []
        for row in SETTINGS:
            text = source.get(row.variable)
            if text is None:
                continue
            try:
                values[row.field] = row.parse(text)
            except ValueError as problem:
                shown = repr(text[:_LONGEST_SHOWN])
                problems.append(f"{row.variable}={shown} is not understood: {problem}")
        return cls(**values), problems

    @classmethod
    def strict(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment; raise `SettingError` for the first unusable value."""
        settings, problems = cls.read(environ)
        if problems:
            raise SettingError(problems[0])
        return settings

    def with_values(self, **values: Any) -> Self:
        """These settings with some changed (`configure`).

        Raises:
            SettingError: a name is not a setting, or a value is not one it may have.
        """
        rows = {row.field: row for row in SETTINGS}
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in rows:
                known = ", ".join(sorted(rows))
                raise SettingError(f"{name!r} is not a setting; the settings are {known}")
            try:
                checked[name] = None if value is None else rows[name].parse(_as_text(value))
            except ValueError as problem:
                shown = _as_text(value)[:_LONGEST_SHOWN]
                raise SettingError(f"{name}={shown!r} is not understood: {problem}") from None
        return replace(self, **checked)

    def settled(self) -> Self:
        """These settings with a run id and an absolute directory, as children inherit them.

        Where the working folder was removed there is no such directory but a new one among the
        temporary files: that is said, once.
        """
        try:
            directory = self.directory.expanduser().absolute()
        except (OSError, RuntimeError):
            directory = _temporary_folder() / f"rbtrace-{os.urandom(8).hex()}"
            warn_once(
                "working folder",
                f"the working folder is gone, so {self.directory} is nowhere: traces go to "
                f"{directory}; set RBTRACE_DIR to an absolute path",
            )
        return replace(self, run_id=self.run_id or new_run_id(), directory=directory)

    def to_environ(self) -> dict[str, str]:
        """The variables that give a child process these settings."""
        texts: dict[str, str] = {}
        for row in SETTINGS:
            value = getattr(self, row.field)
            if value is not None:
                texts[row.variable] = _as_text(value)
        return texts


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _temporary_folder() -> Path:
    import tempfile  # noqa: PLC0415 - takes milliseconds, and is hardly ever needed

    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.sep)  # cannot be written: the first flush will say so


def new_run_id() -> str:
    """A run id that sorts by time: UTC date and time, then six random hex digits."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + os.urandom(3).hex()
