"""Standard streams: closed, missing, replaced, broken."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from common import flush, main, settled, work


def closed() -> None:
    """All three streams are closed by the program before the first span."""
    print("before", flush=True)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()
    settled()
    with contextlib.suppress(ValueError):
        print("never seen")


def missing() -> None:
    """All three are None, as under pythonw and in services."""
    result = os.dup(1)
    sys.stdin = sys.stdout = sys.stderr = sys.__stderr__ = sys.__stdout__ = None
    settled()
    print("never seen")
    os.write(result, b"done\n")


def unread(number: int) -> None:
    """Make a descriptor a pipe that nobody reads any more."""
    ours, theirs = os.pipe()
    os.dup2(theirs, number)
    os.close(theirs)
    os.close(ours)


def broken_pipe() -> None:
    """Standard output is a pipe that nobody reads any more."""
    unread(1)
    settled()
    for number in range(20_000):
        print("line", number)
        if number % 100 == 0:
            work()


def broken_error_pipe() -> None:
    """Standard error is a pipe that nobody reads: a warning of ours must not raise or kill."""
    unread(2)
    settled()
    flush()
    print("done", flush=True)


def full_error_pipe() -> None:
    """Standard error is a full pipe that nobody empties: a warning of ours must not wait."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(theirs, b"x" * 65536)
    os.set_blocking(theirs, True)
    kept = os.dup(2)
    os.dup2(theirs, 2)
    settled()
    flush()
    os.dup2(kept, 2)
    print("done", len(os.read(ours, 10)))


def replaced() -> None:
    """Streams are replaced by objects that raise, and captured by the program."""

    class Raising(io.StringIO):
        def write(self, _text: str) -> int:
            raise RuntimeError("no")

    kept = sys.stderr
    sys.stderr = Raising()
    settled()
    sys.stderr = kept
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        print("captured", work())
    print(repr(out.getvalue()))


def typed() -> None:
    """Standard input is the program's alone: every line arrives."""
    first = input()
    settled()
    print(first, sys.stdin.read().split(), work())


def unbuffered() -> None:
    """What the program writes itself comes in its order, whatever is written between."""
    for number in range(5):
        os.write(1, f"raw {number}\n".encode())
        print("buffered", number)
        work()
    flush()


if __name__ == "__main__":
    main(
        closed,
        missing,
        broken_pipe,
        broken_error_pipe,
        full_error_pipe,
        replaced,
        typed,
        unbuffered,
    )
