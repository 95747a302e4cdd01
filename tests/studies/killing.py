"""Finding a process to kill."""

from __future__ import annotations

import time

import psutil

_FORKED_S = 0.1
"""A younger process may be about to become another program."""


def a_child_of(process, words, *, alike=1, seconds=240):
    """A child whose command has these words, as soon as there is one; a fork has its parent's.

    Where `alike` of them have to be there at once, they are workers: one that is about to become
    another program is alone, since its parent waits for it.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        children = [child for child in process.children() if _is_wanted(child, words)]
        if len(children) >= alike:
            return children[0]
        time.sleep(0.01)
    raise AssertionError(f"there was no child {words}")


def _is_wanted(child, words):
    try:
        old_enough = time.time() - child.create_time() > _FORKED_S
        return old_enough and words in " ".join(child.cmdline())
    except psutil.NoSuchProcess:
        return False
