"""Measuring fresh processes that take turns; ratios with intervals."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbtrace.errors import RbtraceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SteppedProcess:
    """A fresh process that answers each line it is sent with one JSON object.

    Processes that take turns are measured in the same minute on the same machine, whatever else
    the machine does in that minute.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def step(self) -> dict[str, Any]:
        """Let it do one step; return its answer.

        Raises:
            RbtraceError: it ended instead; the message has the last line of its standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise self._failure(self._process.wait())
        found: dict[str, Any] = json.loads(answer)
        return found

    def finish(self) -> float:
        """Let it end; return its whole CPU time, user and system, s.

        Raises:
            RbtraceError: it failed; the message has the last line of its standard error.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
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

    def _failure(self, code: int) -> RbtraceError:
        self._complaints.seek(0)
        last = (self._complaints.read().strip().splitlines() or ["no message"])[-1]
        return RbtraceError(f"{' '.join(self._command[1:])} left with {code}: {last}")


@dataclass(frozen=True, slots=True)
class PairedRatio:
    """Geometric mean of paired ratios with its 95 % interval.

    Attributes:
        ratio: candidate ÷ baseline.
        low: lower end, None with fewer than two pairs.
        high: upper end, None with fewer than two pairs.
    """

    ratio: float
    low: float | None
    high: float | None


def paired_ratio(baseline: Sequence[float], candidate: Sequence[float]) -> PairedRatio:
    """Compare runs that belong together in pairs, on the log scale, by Student's t.

    Raises:
        ValueError: the lengths differ or there are no pairs.
    """
    logs = [math.log(after / before) for before, after in zip(baseline, candidate, strict=True)]
    if not logs:
        raise ValueError("there are no pairs to compare")
    mean = math.fsum(logs) / len(logs)
    if len(logs) == 1:
        return PairedRatio(math.exp(mean), None, None)
    from scipy import stats  # noqa: PLC0415 - heavy

    variance = math.fsum((value - mean) ** 2 for value in logs) / (len(logs) - 1)
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * math.sqrt(variance / len(logs))
    return PairedRatio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))
