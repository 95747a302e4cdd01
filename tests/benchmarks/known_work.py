"""Workloads whose true shares are known, done by a fresh process for every line it is sent.

`python -m tests.benchmarks.known_work NAME` answers each line on standard input, the JSON form of
a `WorkRequest`, with one JSON object. Each round does three parts in turn, and every part is timed
by itself, so what a sampler finds can be compared with what the parts really took. A request with
turns is answered by what a round takes with the sampler on and off.
"""

from __future__ import annotations

import cProfile
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
import numpy as np

import rbtrace
from rbtrace.recording.recorder import RECORDER

if TYPE_CHECKING:
    from rbtrace.recording.export.pipeline import Pipeline

NONE: Final = "none"
CPROFILE: Final = "cProfile"


def _loop(count: int) -> int:
    total = 0
    for number in range(count):
        total += number * number % 7
    return total


def _small(number: int) -> int:
    return number + 1


def _calls(count: int) -> int:
    number = 0
    for _ in range(count):
        number = _small(number)
    return number


def _matrix(size: int) -> float:
    return float(np.dot(np.ones((size, size)), np.ones((size, size)))[0, 0])


WORKLOADS: Final[dict[str, tuple[Callable[[int], Any], tuple[int, int, int]]]] = {
    "pure Python": (_loop, (6000, 40000, 10000)),
    "many small calls": (_calls, (5000, 30000, 12000)),
    "numpy": (_matrix, (200, 700, 300)),
}
"""Name → what a part does, and how much of it each of the three parts does in a round."""


def part_one(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_two(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


def part_three(work: Callable[[int], Any], amount: int) -> None:
    """A part, told apart by its name."""
    work(amount)


PARTS: Final = (part_one, part_two, part_three)


class WorkRequest(msgspec.Struct, frozen=True):
    """What to do: so many seconds of work, under a sampler that writes into a folder.

    With turns: so many seconds without the sampler and so many with it, in random order, as often.
    """

    sampler: str
    seconds: float
    folder: str
    turns: int = 0


class WorkResult(msgspec.Struct, frozen=True):
    """What was done.

    Attributes:
        rounds: how often the three parts were done.
        shares: of the three parts, by exclusive timers.
        cpu_ns: CPU time of the process meanwhile.
    """

    rounds: int
    shares: tuple[float, float, float]
    cpu_ns: int

    @property
    def round_cpu_ns(self) -> float:
        """CPU time of one round."""
        return self.cpu_ns / self.rounds


class RoundTimes(msgspec.Struct, frozen=True):
    """CPU time of a round, ns, with the sampler off and on; medians over turns."""

    off_ns: float
    on_ns: float


def do_work(name: str, seconds: float) -> WorkResult:
    """Do rounds of a workload until the time is over."""
    work, amounts = WORKLOADS[name]
    spent = [0, 0, 0]
    rounds = 0
    cpu = time.process_time_ns()
    while sum(spent) < seconds * 1e9:
        for which, part in enumerate(PARTS):
            started = time.perf_counter_ns()
            part(work, amounts[which])
            spent[which] += time.perf_counter_ns() - started
        rounds += 1
    cpu = time.process_time_ns() - cpu
    first, second, third = (ns / sum(spent) for ns in spent)
    return WorkResult(rounds, (first, second, third), cpu)


type _Sampled = Callable[[], AbstractContextManager[object]]
"""Gives a context in which the sampler is on."""


def take_turns(name: str, request: WorkRequest, sampled: _Sampled) -> RoundTimes:
    """Do the work of a request with turns."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(request.turns):
        for is_on in random.sample((False, True), 2):
            with sampled() if is_on else nullcontext():
                times[is_on].append(do_work(name, request.seconds).round_cpu_ns)
    return RoundTimes(median(times[False]), median(times[True]))


@contextmanager
def _sampler(request: WorkRequest) -> Iterator[_Sampled]:
    """The sampler of a request, which is off; ours are in a process that is traced throughout."""
    if request.sampler == NONE:
        yield nullcontext
    elif request.sampler == CPROFILE:
        profile = cProfile.Profile()
        yield lambda: profile
        profile.dump_stats(Path(request.folder, CPROFILE))
    else:
        rbtrace.instrument(sampler=request.sampler, directory=Path(request.folder))
        with rbtrace.span("work"):
            pipeline = RECORDER.pipeline()
            assert pipeline is not None
            pipeline.stacks.stop()
            yield partial(_sampling, pipeline)
        rbtrace.shutdown()


@contextmanager
def _sampling(pipeline: Pipeline) -> Iterator[None]:
    pipeline.keep_delivering()
    yield
    pipeline.stacks.stop()


def _answer(name: str, request: WorkRequest) -> WorkResult | RoundTimes:
    with _sampler(request) as sampled:
        if request.turns:
            return take_turns(name, request, sampled)
        with sampled():
            return do_work(name, request.seconds)


@click.command()
@click.argument("name", type=click.Choice(list(WORKLOADS)))
def main(name: str) -> None:
    """Do some work for every line of standard input."""
    for line in sys.stdin:
        request = msgspec.json.decode(line, type=WorkRequest)
        click.echo(msgspec.json.encode(_answer(name, request)).decode())
        sys.stdout.flush()


if __name__ == "__main__":
    main()
