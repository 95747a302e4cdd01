"""What the benchmarks share: ratios, the machine they ran on, and how they end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rbtrace.comparison.bench.environment import describe_machine, summarize, versions
from rbtrace.errors import RbtraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rbtrace.statistics import Comparison

_INTERRUPTED: Final = 130


def ratio_and_interval(comparison: Comparison) -> str:
    """The ratio with its interval, if there is one."""
    if comparison.ci is None:
        return f"{comparison.ratio:.3f} (no interval)"
    low, high = comparison.ci
    return f"{comparison.ratio:.3f} ({low:.3f} … {high:.3f})"


def this_machine() -> str:
    """A sentence about this machine and the versions of what runs on it."""
    return f"Measured on {summarize(describe_machine() | versions(sys.executable, Path()))}."


@contextmanager
def one_line_for_errors() -> Iterator[None]:
    """Leave with an exit code and one line on standard error after Ctrl-C or an `RbtraceError`."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except RbtraceError as problem:
        click.echo(f"rbtrace: error: {problem}", err=True)
        sys.exit(problem.exit_code)
