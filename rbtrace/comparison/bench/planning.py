"""Settling a plan: what runs, where, and on what machine."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rbtrace.comparison.bench.environment import COMPARABLE, describe_machine, revision, versions
from rbtrace.comparison.bench.result import Command, Plan
from rbtrace.errors import InputError
from rbtrace.version import __version__


def make_plan(baseline: Command, candidate: Command, **settled: Any) -> Plan:
    """A plan for this machine; `settled` are other fields of `Plan`."""
    return Plan(
        baseline=baseline,
        candidate=candidate,
        identity=secrets.token_hex(3),
        environment=describe_machine(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rbtrace=__version__,
        **settled,
    )


def make_command(text: str, folder: Path) -> Command:
    """Look up a command as a user wrote it.

    Raises:
        InputError: it cannot be split into arguments, or there is no such program.
    """
    try:
        arguments = shlex.split(text)
    except ValueError as problem:
        raise InputError(f"cannot understand the command {text!r}: {problem}") from None
    if not arguments:
        raise InputError("a command is empty")
    folder = folder.absolute()
    program = arguments[0]
    if os.sep in program:
        program = str(folder / program)
    found = shutil.which(program)
    if found is None:
        raise InputError(f"there is no program {arguments[0]!r} (commands run without a shell)")
    return Command(
        arguments=[found, *arguments[1:]],
        folder=str(folder),
        revision=revision(folder),
        versions=versions(found, folder),
    )


def check_same_machine(environment: Mapping[str, Any]) -> None:
    """Refuse to go on with measurements on another machine than they were begun on.

    Args:
        environment: what `describe_machine` said then.

    Raises:
        InputError: it is another machine; the message says what differs.
    """
    now = describe_machine()
    differs = [name for name in COMPARABLE if environment.get(name) != now.get(name)]
    if differs:
        was = ", ".join(f"{name} {environment.get(name)}" for name in differs)
        here = ", ".join(f"{name} {now.get(name)}" for name in differs)
        raise InputError(
            f"this benchmark was begun on another machine ({was}; here {here}): "
            "runs of both do not belong together, start a new one"
        )
