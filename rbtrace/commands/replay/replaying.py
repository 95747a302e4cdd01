"""Sending files line by line: patient with a collector that is away, exact about what it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rbtrace.commands.replay.endpoint import BusyError, RefusedError
from rbtrace.errors import DeliveryError

if TYPE_CHECKING:
    from rbtrace.commands.replay.endpoint import Receiver
    from rbtrace.commands.replay.kept import KeptFile, Line

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


@dataclass(slots=True)
class Replayed:
    """What became of the kept spans.

    Attributes:
        spans: spans the receiver took.
        rejected: of these, spans it took and did not keep, by its own account.
        refused: spans of requests it will not take, and why.
        invalid: lines that are no requests.
        running: files of processes that still run, and send by themselves.
    """

    spans: int = 0
    rejected: int = 0
    refused: int = 0
    reason: str = ""
    invalid: int = 0
    running: list[str] = field(default_factory=list)


def replay(
    files: Iterable[KeptFile],
    receiver: Receiver,
    *,
    patience_s: float,
    again: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Send what is kept in files and was not sent before.

    Args:
        files: what to send.
        receiver: where to.
        patience_s: how long one request may be refused as untimely before it is given up.
        again: whether to send also what was sent before.
        advance: is told the bytes of each line dealt with.

    Raises:
        DeliveryError: the receiver could not be reached for so long.
        EndpointError: the receiver takes nothing from us.
    """
    done = Replayed()
    for file in files:
        if file.is_being_written():
            done.running.append(file.name)
            continue
        for line in file.unsent(again=again):
            _send(line, file, receiver, patience_s, done)
            advance(line.end - line.start)
        done.invalid += file.invalid
    return done


def _send(
    line: Line, file: KeptFile, receiver: Receiver, patience_s: float, done: Replayed
) -> None:
    started, pause_s = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            done.rejected += receiver.send(line.content)
        except RefusedError as problem:
            done.refused += line.spans
            done.reason = str(problem)
            return
        except BusyError as problem:
            if time.monotonic() + pause_s - started > patience_s:
                raise DeliveryError(
                    f"the collector does not take spans ({problem}); {done.spans:,} were sent, "
                    "run the same command again to send the rest"
                ) from None
            time.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        else:
            done.spans += line.spans
            file.note(line)
            return
