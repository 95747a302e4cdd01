"""Running a command on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence


def on_a_terminal(command: Sequence[str], **variables: str) -> tuple[int, bytes]:
    """Run a command whose output and errors go to a terminal; its exit status, and what it said."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"} | variables
    ) as process:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:
            pass  # how Linux says that the other end is closed
        code = process.wait(60)
    os.close(ours)
    return code, said
