"""A progress bar for reading, which several commands do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from rbtrace.analysis.loading import Progress

_WORTH_A_BAR: Final = 50_000_000
"""Bytes; less is read before anybody wonders."""


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on standard error, when there is somebody to see it and much to read."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = click.progressbar(length=0, label="reading", file=sys.stderr)
    drawn = False

    def advance(done: int, everything: int) -> None:
        nonlocal drawn
        if everything < _WORTH_A_BAR:
            return
        if not drawn:
            bar.length, drawn = everything, True
        bar.update(min(done, everything) - bar.pos)

    yield advance
    if drawn:
        bar.render_finish()
