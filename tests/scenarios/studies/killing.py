"""Finding a process to kill."""

from __future__ import annotations

import time

import psutil

_FORKED_S = 0.1
"""A younger process may be about to become another program."""


def a_child_of(process, words, seconds=240):
    """A child whose command has these words, as soon as there is one; a fork has its parent's."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for child in process.children():
            try:
                if time.time() - child.create_time() > _FORKED_S and words in _command(child):
                    return child
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    raise AssertionError(f"there was no child {words}")


def _command(process):
    return " ".join(process.cmdline())
