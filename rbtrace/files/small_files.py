"""Files of ours, written in one go: nothing stays open, and nothing but our own file is written to.

A program may close descriptors it does not know of (daemons close all), and the next file it opens
gets such a number. So a file is opened for each write, and is written to only if it is the one that
was made.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

from rbtrace.system import SYSTEM

type Identity = tuple[int, int]
"""Device and inode of a file."""
ANY: Final[Identity] = (0, 0)
_BLOCK = 4096


class How(IntEnum):
    """What `put_file` does; the numbers are those of `_system.c`."""

    CREATE = 0
    """Make a private file that nobody has made yet."""
    APPEND = 1
    """Append to a file all of the content, or nothing."""
    REPLACE = 2
    """Write over the content of a file, in place."""


_FLAGS: Final = {
    How.CREATE: os.O_CREAT | os.O_EXCL,
    How.APPEND: os.O_APPEND | getattr(os, "O_NONBLOCK", 0),
    How.REPLACE: getattr(os, "O_NONBLOCK", 0),
}
_ALWAYS: Final = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def put_file(path: Path, how: How, content: bytes, identity: Identity = ANY) -> Identity:
    """Write to a regular file; no symbolic link is followed.

    Args:
        path: the file.
        how: what to do with it.
        content: all there is to write.
        identity: the file it has to be.

    Returns:
        The identity of the file.

    Raises:
        OSError: the file cannot be written, or is another one (`ESTALE`); it is left as it was.
    """
    if SYSTEM is not None:
        return SYSTEM.put(path, how, content, *identity)
    descriptor = os.open(path, _ALWAYS | _FLAGS[how], 0o600)
    try:
        present = _checked(descriptor, path, identity)
        _fill(descriptor, how, content, present.st_size)
    except OSError:
        if how is How.CREATE:
            path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return _identity(present)


def _checked(descriptor: int, path: Path, identity: Identity) -> os.stat_result:
    present = os.fstat(descriptor)
    if not stat.S_ISREG(present.st_mode) or identity not in {ANY, _identity(present)}:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
    return present


def _fill(descriptor: int, how: How, content: bytes, size: int) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        if how is How.APPEND:
            os.ftruncate(descriptor, size)
        raise
    if how is How.REPLACE:
        os.ftruncate(descriptor, len(content))


def _identity(present: os.stat_result) -> Identity:
    return present.st_dev, present.st_ino


def replace_file(target: Path, content: bytes) -> None:
    """Replace a small private file as a whole: a reader sees the old one or the new.

    On a full disk there is no room for a second file: then the blocks of the present one are
    written over, which needs none.

    Raises:
        OSError: neither can be done.
    """
    scratch = target.with_name(f".{target.name}.new")
    try:
        _make(scratch, content)
        scratch.replace(target)
    except OSError as problem:
        with suppress(OSError):
            scratch.unlink()
        if problem.errno != errno.ENOSPC or len(content) > _BLOCK:
            raise
        put_file(target, How.REPLACE, content)


def _make(path: Path, content: bytes) -> None:
    """Make a file, in place of what is left of one whose writer was killed."""
    try:
        put_file(path, How.CREATE, content)
    except FileExistsError:
        path.unlink()
        put_file(path, How.CREATE, content)
