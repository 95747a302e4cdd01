"""What rbtrace asks of Linux in somebody else's process, where that is compiled."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from typing import Protocol

    class System(Protocol):
        """What `_system.c` offers."""

        def put(
            self, path: Path, how: int, content: bytes, device: int, inode: int, /
        ) -> tuple[int, int]:
            """What `small_files.put_file` does, without the interpreter in between."""

        def open_socket(self, family: int, kind: int, protocol: int, /) -> int:
            """The descriptor of a new socket, with a number the program does not count on.

            Raises:
                OSError: there is none to be had.
            """

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


_HIGH = 200
"""The least number of a descriptor that the program does not count on."""


def high_socket(family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A new socket whose descriptor has a high number.

    Raises:
        OSError: the process or the system has no more descriptors.
    """
    import fcntl  # noqa: PLC0415 - only where spans are sent
    import socket  # noqa: PLC0415

    if SYSTEM is not None:
        number = SYSTEM.open_socket(family, kind, protocol)
    else:
        with socket.socket(family, kind, protocol) as low:
            number = fcntl.fcntl(low.fileno(), fcntl.F_DUPFD_CLOEXEC, _HIGH)
    return socket.socket(family, kind, protocol, fileno=number)
