"""What a pool pickles: messages, bytes and time, in the process that has the pool."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from time import perf_counter_ns
from typing import Any, Final

from msgspec import Struct

_TIMES: Final = 200


class Traffic(Struct, kw_only=True):
    """Messages of one direction each; empty ones, which only wake somebody, are left out.

    Attributes:
        sent: messages that were pickled.
        sent_bytes: of all of them.
        sent_ns: spent on pickling them.
        received: messages that were unpickled.
        received_bytes: of all of them.
        received_ns: spent on unpickling them.
    """

    sent: int = 0
    sent_bytes: int = 0
    sent_ns: int = 0
    received: int = 0
    received_bytes: int = 0
    received_ns: int = 0


def pickled(message: Any, dumps: Callable[[Any], Any]) -> tuple[int, int]:
    """Size of a message, and how long it takes to pickle it: bytes, and ns on average."""
    size = len(dumps(message))
    started = perf_counter_ns()
    for _ in range(_TIMES):
        dumps(message)
    return size, (perf_counter_ns() - started) // _TIMES


class TrafficCount:
    """Counts what multiprocessing pickles in this process."""

    def __init__(self) -> None:
        self._now = Traffic()

    def take(self) -> Traffic:
        """What was counted since the last call."""
        taken, self._now = self._now, Traffic()
        return taken

    def attach(self) -> None:
        """Count from now on. A pool sends in one thread and receives in another."""
        dumps, loads = ForkingPickler.dumps, ForkingPickler.loads

        def counted_dumps(message: Any, protocol: int | None = None) -> Any:
            started = perf_counter_ns()
            pickled = dumps(message, protocol)
            if message is not None:
                self._now.sent_ns += perf_counter_ns() - started
                self._now.sent += 1
                self._now.sent_bytes += len(pickled)
            return pickled

        def counted_loads(pickled: Any, /, **options: Any) -> Any:
            started = perf_counter_ns()
            message = loads(pickled, **options)
            if message is not None:
                self._now.received_ns += perf_counter_ns() - started
                self._now.received += 1
                self._now.received_bytes += len(pickled)
            return message

        counted: dict[str, Any] = {"dumps": counted_dumps, "loads": counted_loads}
        for name, function in counted.items():
            setattr(ForkingPickler, name, staticmethod(function))
