"""What rbtrace asks of Linux in somebody else's process, where that is compiled."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    class System(Protocol):
        """What `_system.c` offers."""

        def put(
            self, path: Path, how: int, content: bytes, device: int, inode: int, /
        ) -> tuple[int, int]:
            """What `small_files.put_file` does, without the interpreter in between."""

        def wake(self) -> None:
            """Let `wait` return."""

        def wait(self, seconds: float, /) -> bool:
            """Wait so long for a `wake` or a signal that is held up; say whether it came."""

        def hold(self, seconds: float, /) -> None:
            """Hold up signals that would end the process, so long at most after one has come.

            Those that the program handles or ignores are left alone.
            """

        def release(self) -> None:
            """Let signals end the process again."""

        def arrived(self) -> int:
            """The signal that was held up in this process; 0 if none."""

        def enter(self) -> None:
            """Let the calling thread go on, although a signal has come, until it calls `leave`."""

        def leave(self) -> None:
            """Stop here for good if a signal is held up."""


def _load() -> System | None:
    if sys.implementation.name != "cpython":
        return None
    try:
        system: System = import_module("rbtrace._system")
    except ImportError:
        return None
    return system


SYSTEM = _load()
"""None where it is not compiled: then signals end the process at once."""
