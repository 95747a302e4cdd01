"""What the benchmarks share: how they write a ratio, and how they end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from rbtrace.errors import RbtraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rbtrace.statistics import Comparison

_INTERRUPTED: Final = 130


def ratio_and_interval(found: Comparison) -> str:
    """The ratio with its interval, if there is one."""
    if found.ci is None:
        return f"{found.ratio:.3f} (no interval)"
    return f"{found.ratio:.3f} [{found.ci[0]:.3f}, {found.ci[1]:.3f}]"


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
