"""Run a Python program with tracing on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from rbtrace.errors import InputError, RbtraceError
from rbtrace.recording.engines.startup import start_up_file
from rbtrace.settings import DETAILS, SAMPLERS, Settings

_EXAMPLES: Final = """\b
Examples:
  rbtrace run my_backtest.py --fast
  rbtrace run --detail calls --arm candidate my_backtest.py
  rbtrace run -m my_package.search

It is the same as RBTRACE_ENABLED=1 python my_backtest.py; the exit status is the program's own.
"""


@click.command(
    "run",
    epilog=_EXAMPLES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "as_module", is_flag=True, help="PROGRAM is a module, as in python -m.")
@click.option("--dir", "directory", metavar="DIR", help="Where trace files go (RBTRACE_DIR).")
@click.option("--detail", metavar="|".join(DETAILS), help="Aggregate hot calls, or record each.")
@click.option("--sampler", metavar="|".join(SAMPLERS), help="Sample stacks, too.")
@click.option("--arm", metavar="NAME", help="Name of this configuration, for comparisons.")
@click.option("--params", is_flag=True, help="Record parameter values and exception messages.")
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    program: str,
    arguments: tuple[str, ...],
    as_module: bool,  # noqa: FBT001 - an option's value
    directory: str | None,
    detail: str | None,
    sampler: str | None,
    arm: str | None,
    params: bool,  # noqa: FBT001 - an option's value
) -> int:
    """Run PROGRAM with its ARGUMENTS, traced, in this environment's Python."""
    chosen = {"directory": directory, "detail": detail, "sampler": sampler, "arm": arm}
    chosen["params"] = "1" if params else None
    values = {name: value for name, value in chosen.items() if value is not None}
    settings = Settings.strict().with_values(enabled=True, **values)
    if not as_module and not Path(program).exists():
        raise InputError(f"{program} does not exist; give a Python file, or -m and a module")
    if start_up_file() is None:
        raise RbtraceError(
            "rbtrace.pth is not in this Python's site-packages, so a program cannot be traced "
            "unchanged; install rbtrace with pip, or call rbtrace.instrument() in the program"
        )
    launch = [sys.executable, *(["-m"] if as_module else []), program, *arguments]
    return _replace_process(launch, {**os.environ, **settings.to_environ()})


def _replace_process(launch: list[str], environ: dict[str, str]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(launch[0], launch, environ)  # noqa: S606 - the user's own program, no shell
    return subprocess.run(launch, env=environ, check=False).returncode  # noqa: S603 - as above
