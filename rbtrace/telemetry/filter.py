"""Messages of a socket that the kernel drops before anybody is woken."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Final

_SO_ATTACH_FILTER: Final = 26
_LOAD_FIRST_BYTE: Final = (0x30, 0, 0, 0)
_IS_IT: Final = 0x15
_DROP: Final = (0x06, 0, 0, 0)
_KEEP: Final = (0x06, 0, 0, 0xFFFF_FFFF)


def drop_messages(receiver: socket.socket, byte: int) -> None:
    """Drop messages that begin with this byte (Linux; elsewhere nothing happens).

    A packet filter of four instructions, see `socket(7)`, SO_ATTACH_FILTER.

    Raises:
        OSError: the system refuses.
    """
    if sys.platform != "linux":
        return
    program = (_LOAD_FIRST_BYTE, (_IS_IT, 0, 1, byte), _DROP, _KEEP)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    receiver.setsockopt(
        socket.SOL_SOCKET,
        _SO_ATTACH_FILTER,
        struct.pack("HL", len(program), ctypes.addressof(code)),
    )
