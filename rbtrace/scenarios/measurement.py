"""Running a command in a fresh process and taking its whole cost; ratios with intervals."""

from __future__ import annotations

import math
import resource
import subprocess
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from rbtrace.errors import RbtraceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ProcessCost:
    """What one process, with the children it waited for, took.

    Attributes:
        cpu: user and system time, s.
        wall: time from start to end, s.
        output: what it wrote to standard output.
    """

    cpu: float
    wall: float
    output: str


def run_measured(command: Sequence[str], environ: Mapping[str, str]) -> ProcessCost:
    """Run a command to its end.

    Raises:
        RbtraceError: it failed; the message has the last line of its standard error.
    """
    before = _children_cpu()
    started = perf_counter()
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=dict(environ), capture_output=True, text=True, check=False
    )
    wall = perf_counter() - started
    # One child at a time: what the children of this process gained is this child's.
    cpu = _children_cpu() - before
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RbtraceError(f"{' '.join(command[1:])} left with {done.returncode}: {last}")
    return ProcessCost(cpu, wall, done.stdout)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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
