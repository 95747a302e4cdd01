"""Memory for many columns, one after the other."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

LARGEST_KEPT: Final = (1 << 25) - (1 << 16)
"""Just below the largest size, in bytes, that glibc learns to keep."""


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, because another column needs it again at once.

    glibc gives large blocks back to the system, which then maps each anew, page by page; that may
    take longer than the sum over a column. It keeps blocks as large as the largest that was ever
    freed. This one is never written to, so it takes no memory; elsewhere it has no effect.
    """
    bytes(LARGEST_KEPT)


def return_freed_memory() -> None:
    """Give back what was freed in small pieces, where nothing that follows could take it.

    Only glibc has a call for it; others do as they see fit.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
