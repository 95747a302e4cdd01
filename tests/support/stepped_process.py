"""Fresh processes that take turns step by step, for what is measured within a process."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rbtrace.comparison.bench.processes import CommandError, last_line, left_with, reap


class SteppedProcess:
    """A fresh process that answers each line it is sent with one JSON object.

    Processes that take turns are measured in the same minute on the same machine, whatever else
    the machine does in that minute.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def step(self, order: str = "") -> dict[str, Any]:
        """Let it do one step; return its answer.

        Args:
            order: what the line says that it is sent.

        Raises:
            CommandError: it ended instead; the message has the last line of its standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise self._failure(self._process.wait())
        step: dict[str, Any] = json.loads(answer)
        return step

    def finish(self) -> float:
        """Let it end; return its whole CPU time, user and system, s.

        Raises:
            CommandError: it failed; the message has the last line of its standard error.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        usage = reap(self._process)
        if self._process.returncode:
            raise self._failure(self._process.returncode)
        return usage.ru_utime + usage.ru_stime

    def close(self) -> None:
        """End it at once, if it has not ended, and let go of its pipes."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._complaints.close()

    def _failure(self, code: int) -> CommandError:
        self._complaints.seek(0)
        said = last_line(self._complaints.read())
        return CommandError(f"{shlex.join(self._command)} {left_with(code)}: {said}")
