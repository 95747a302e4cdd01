"""Small files of one's own that are replaced as a whole: a reader sees the old one or the new."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

_BLOCK = 4096


def replace_file(target: Path, content: bytes) -> None:
    """Replace a small private file as a whole.

    On a full disk there is no room for a second file: then the blocks of the present one are
    written over, which needs none.

    Raises:
        OSError: neither can be done.
    """
    scratch = target.with_name(f".{target.name}.new")
    try:
        _write(scratch, content, os.O_CREAT | os.O_TRUNC)
        scratch.replace(target)
    except OSError as problem:
        with suppress(OSError):
            scratch.unlink()
        if problem.errno != errno.ENOSPC or len(content) > _BLOCK:
            raise
        _write(target, content, 0)


def _write(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    try:
        written = os.write(descriptor, content)
        if written < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)
